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

// mkfs.<filesystem> or mkswap on a file that is there.
Status MakeFilesystem(const ToolOptions& tools, const std::string& filesystem,
                      const std::string& label, const std::filesystem::path& file);
// Takes the blocks of `bytes` at once; its length stays.
Status TakeSpace(const std::filesystem::path& file, std::uint64_t bytes);

class DiskImageStore final : public core::ImageStore {
 public:
  // Makes the directories, and empties the downloads a crash may have left.
  static Expected<std::unique_ptr<DiskImageStore>> Open(ImageStoreOptions options);

  Expected<core::CachedImage> Ensure(const model::ImageSource& image,
                                     std::uint64_t max_virtual_bytes,
                                     std::stop_token stop) override;
  Status CreateOverlay(const core::CachedImage& base, const std::filesystem::path& disk,
                       std::uint64_t size_bytes) override;
  Status CreateBlank(const core::BlankDisk& disk, const std::filesystem::path& target) override;
  std::string DiskFormat() const override;
  Status PlaceFile(const core::CachedImage& image, const std::filesystem::path& target) override;
  void RemoveUnused() override { manager_.Run(); }

 private:
  explicit DiskImageStore(ImageStoreOptions options);

  Expected<core::CachedImage> Fetch(const model::ImageSource& image, const std::string& served_as,
                                    const SharedLimit& limit, const std::stop_token& stop);
  // What the cache keeps of an image served as this: the same, or raw.
  std::string CachedAs(const std::string& served_as) const;
  Expected<core::CachedImage> PublishRaw(const std::string& key, const std::string& format,
                                         const std::filesystem::path& file);
  // The finished download, whatever it is.
  Expected<std::unique_ptr<Download>> Receive(const model::ImageSource& image,
                                              const DownloadLimits& limits,
                                              const std::stop_token& stop);
  Status CopyRoot(const core::CachedImage& base, const std::filesystem::path& disk,
                  std::uint64_t size);
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
