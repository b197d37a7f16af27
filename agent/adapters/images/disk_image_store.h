// SPDX-License-Identifier: Apache-2.0
// core::ImageStore over a directory, libcurl and qemu-img. Any number of threads.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "agent/adapters/images/cache_leases.h"
#include "agent/adapters/images/cache_manager.h"
#include "agent/adapters/images/download.h"
#include "agent/adapters/images/image_cache.h"
#include "agent/adapters/images/options.h"
#include "agent/adapters/images/single_flight.h"
#include "agent/core/image_store.h"

namespace kilonova::agent::adapters::images {

class DiskImageStore final : public core::ImageStore {
 public:
  // Makes the directories, and empties the downloads a crash may have left.
  static Expected<std::unique_ptr<DiskImageStore>> Open(ImageStoreOptions options);

  Expected<core::CachedImage> Ensure(const model::ImageSource& image,
                                     std::uint64_t max_virtual_bytes,
                                     std::stop_token stop) override;
  Status CreateOverlay(const core::CachedImage& base, const std::filesystem::path& disk,
                       std::uint64_t size_bytes) override;
  Status PlaceFile(const core::CachedImage& image, const std::filesystem::path& target) override;
  void RemoveUnused() override { manager_.Run(); }

 private:
  explicit DiskImageStore(ImageStoreOptions options);

  Expected<core::CachedImage> Fetch(const model::ImageSource& image, const std::string& served_as,
                                    const SharedLimit& limit, const std::stop_token& stop);
  // The finished download, whatever it is.
  Expected<std::unique_ptr<Download>> Receive(const model::ImageSource& image,
                                              const DownloadLimits& limits,
                                              const std::stop_token& stop);
  // Checksum, inspection, agreement; the virtual size.
  Expected<std::uint64_t> Vet(const model::ImageSource& image, const std::string& served_as,
                              Download& download, const std::stop_token& stop);

  ImageStoreOptions options_;
  ImageCache cache_;
  CacheLeases leases_;
  CacheManager manager_;
  SingleFlight flights_;
};

}  // namespace kilonova::agent::adapters::images
