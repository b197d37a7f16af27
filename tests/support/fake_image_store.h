// SPDX-License-Identifier: Apache-2.0
// Images that are there as soon as they are wanted, and overlays that are empty files: enough for
// operations to leave traces on the disk. Thread-safe.
#pragma once

#include <absl/synchronization/mutex.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "agent/core/image_store.h"

namespace kilonova::testing {

class FakeImageStore final : public agent::core::ImageStore, public agent::core::ConfigDriveWriter {
 public:
  explicit FakeImageStore(std::filesystem::path cache) : cache_(std::move(cache)) {}

  Expected<agent::core::CachedImage> Ensure(const model::ImageSource& image,
                                            std::uint64_t max_virtual_bytes,
                                            std::stop_token stop) override {
    const absl::MutexLock lock(&mutex_);
    const auto go_on = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !held_; };
    while (!go_on()) {
      if (stop.stop_requested()) {
        return Error(Code::kCancelled, reason::kUnavailable, "stopped");
      }
      mutex_.AwaitWithTimeout(absl::Condition(&go_on), absl::Milliseconds(5));
    }
    if (!failure_.ok()) return failure_;
    if (virtual_size_ > max_virtual_bytes) {
      return Error(Code::kInvalidArgument, reason::kImageTooBigForFlavor, "too big");
    }
    return agent::core::CachedImage{cache_ / (image.sha256 + ".qcow2"), "qcow2", virtual_size_};
  }

  Status CreateOverlay(const agent::core::CachedImage& base, const std::filesystem::path& disk,
                       std::uint64_t size_bytes) override {
    const absl::MutexLock lock(&mutex_);
    if (!overlay_failure_.ok()) return overlay_failure_;
    if (size_bytes != 0 && size_bytes < base.virtual_size) {
      return Error(Code::kInvalidArgument, reason::kFlavorDiskTooSmall, "too small");
    }
    return Touch(disk);
  }

  Status CreateBlank(const agent::core::BlankDisk&, const std::filesystem::path& target) override {
    return Touch(target);
  }

  Status PlaceFile(const agent::core::CachedImage&, const std::filesystem::path& target) override {
    return Touch(target);
  }

  Status Write(const std::vector<agent::core::ConfigDriveFile>& files,
               const std::filesystem::path& target) override {
    if (files.empty()) return Error(Code::kInternal, reason::kConfigDriveFailed, "nothing");
    return Touch(target);
  }

  void SetFailure(Status failure) {
    const absl::MutexLock lock(&mutex_);
    failure_ = std::move(failure);
  }
  void SetOverlayFailure(Status failure) {
    const absl::MutexLock lock(&mutex_);
    overlay_failure_ = std::move(failure);
  }
  void SetVirtualSize(std::uint64_t bytes) {
    const absl::MutexLock lock(&mutex_);
    virtual_size_ = bytes;
  }
  // While held, Ensure blocks as a slow download does.
  void Hold(bool held) {
    const absl::MutexLock lock(&mutex_);
    held_ = held;
  }

 private:
  static Status Touch(const std::filesystem::path& path) {
    std::ofstream file(path);
    file << "fake";
    return file.good() ? OkStatus()
                       : Error(Code::kInternal, reason::kInternal, "cannot write a fake file");
  }

  const std::filesystem::path cache_;
  absl::Mutex mutex_;
  Status failure_ ABSL_GUARDED_BY(mutex_), overlay_failure_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t virtual_size_ ABSL_GUARDED_BY(mutex_) = 1 << 20;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace kilonova::testing
