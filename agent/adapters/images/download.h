// SPDX-License-Identifier: Apache-2.0
// One pass over an image's bytes on their way to the cache: written to a private file, hashed and
// inspected at once, and ended early when they are too many or announce too large a disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "agent/adapters/images/files.h"
#include "agent/adapters/images/inspector/inspector.h"
#include "common/base/hash.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

// Where a source puts the bytes.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status Write(std::string_view bytes) = 0;
};

struct DownloadLimits {
  std::uint64_t expected_bytes = 0;  // 0 = unknown
  std::uint64_t max_bytes = 0;
  // The largest virtual size any of the waiting callers accepts; may grow while we run.
  const std::atomic<std::uint64_t>* max_virtual_bytes = nullptr;
};

class Download final : public ByteSink {
 public:
  // A new file in `dir`, removed with this object unless published.
  static Expected<std::unique_ptr<Download>> Begin(const std::filesystem::path& dir,
                                                   const DownloadLimits& limits);

  Status Write(std::string_view bytes) override;
  // After the last byte: the length is as expected and the bytes are on disk.
  Status Complete();

  std::string Sha256Hex() { return sha256_.FinishHex(); }  // once
  Verdict Inspect(std::string_view claimed_format) { return inspector_.Finish(claimed_format); }
  std::uint64_t size() const { return size_; }
  Draft& draft() { return draft_; }
  int fd() const { return fd_.get(); }

 private:
  Download(std::filesystem::path path, OwnedFd fd, const DownloadLimits& limits)
      : draft_(std::move(path)), fd_(std::move(fd)), limits_(limits) {}
  Status PassQuarters();

  Draft draft_;
  OwnedFd fd_;
  DownloadLimits limits_;
  Sha256 sha256_;
  ImageInspector inspector_;
  std::uint64_t size_ = 0;
  int quarters_ = 0;
};

// IMAGE_TOO_BIG_FOR_FLAVOR.
Status TooBig(std::uint64_t virtual_size, std::uint64_t limit);

}  // namespace kilonova::agent::adapters::images
