// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/download.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/base/failpoint.h"
#include "common/base/ids.h"

namespace kilonova::agent::adapters::images {

Status TooBig(std::uint64_t virtual_size, std::uint64_t limit) {
  return Error(Code::kInvalidArgument, reason::kImageTooBigForFlavor,
               "the image's disk is larger than the flavor's",
               {{"virtual_size", std::to_string(virtual_size)}, {"limit", std::to_string(limit)}});
}

Expected<std::unique_ptr<Download>> Download::Begin(const std::filesystem::path& dir,
                                                    const DownloadLimits& limits) {
  const std::filesystem::path path = dir / Uuid::Random().str();
  ASSIGN_OR_RETURN(OwnedFd fd, CreateFile(path, 0600));
  return std::unique_ptr<Download>(new Download(path, std::move(fd), limits));
}

Status Download::Write(std::string_view bytes) {
  size_ += bytes.size();
  const std::uint64_t expected = limits_.expected_bytes;
  if (expected != 0 && size_ > expected) {
    return Error(Code::kFailedPrecondition, reason::kImageFetchFailed,
                 "the image is longer than registered", {{"expected", std::to_string(expected)}});
  }
  if (size_ > limits_.max_bytes) {
    return Error(Code::kFailedPrecondition, reason::kImageFetchFailed,
                 "the image's file is longer than this host accepts",
                 {{"limit", std::to_string(limits_.max_bytes)}});
  }
  inspector_.Feed(bytes);
  const std::uint64_t least = inspector_.LeastVirtualSize();
  const std::uint64_t limit = limits_.max_virtual_bytes->load();
  if (least > limit) return TooBig(least, limit);
  sha256_.Update(bytes);
  RETURN_IF_ERROR(WriteAll(fd_.get(), bytes, draft_.path()));
  return PassQuarters();
}

Status Download::PassQuarters() {
  [[maybe_unused]] static constexpr std::array<std::string_view, 3> kNames = {
      "agent.build.image_download.25", "agent.build.image_download.50",
      "agent.build.image_download.75"};
  if (limits_.expected_bytes == 0) return OkStatus();
  while (quarters_ < 3 && size_ >= limits_.expected_bytes / 4 * (quarters_ + 1)) {
    RETURN_IF_FAILPOINT(kNames[quarters_]);
    ++quarters_;
  }
  return OkStatus();
}

Status Download::Complete() {
  if (limits_.expected_bytes != 0 && size_ != limits_.expected_bytes) {
    return Error(Code::kFailedPrecondition, reason::kImageFetchFailed,
                 "the image is shorter than registered",
                 {{"expected", std::to_string(limits_.expected_bytes)},
                  {"received", std::to_string(size_)}});
  }
  if (fchmod(fd_.get(), 0444) != 0) return FileError(errno, "chmod", draft_.path());
  if (fsync(fd_.get()) != 0) return FileError(errno, "fsync", draft_.path());
  return OkStatus();
}

}  // namespace kilonova::agent::adapters::images
