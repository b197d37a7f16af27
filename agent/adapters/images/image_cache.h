// SPDX-License-Identifier: Apache-2.0
// The directory of cached images: <sha256>.<format> and, beside it, <sha256>.<format>.info with
// what the inspection found, so that nothing is ever probed again. Files are never changed once
// there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "agent/adapters/images/files.h"
#include "agent/core/image_store.h"
#include "agent/core/paths.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

class ImageCache {
 public:
  explicit ImageCache(core::Paths paths) : paths_(std::move(paths)) {}

  // Makes the directories and empties .tmp of what a crash left.
  Status Prepare() const;

  // `key` is "<sha256>.<format>", or "<sha256>.<claimed>.<format>" where those differ. Nothing
  // unless image and record are both there and agree on the length.
  std::optional<core::CachedImage> Find(const std::string& key) const;

  // Record first, then the image, then the directory: an image without its record is no image.
  Expected<core::CachedImage> Publish(const std::string& key, const std::string& format,
                                      std::uint64_t virtual_size, std::uint64_t file_size,
                                      Draft& draft) const;

  std::filesystem::path downloads() const { return paths_.Downloads(); }

 private:
  core::Paths paths_;
};

}  // namespace kilonova::agent::adapters::images
