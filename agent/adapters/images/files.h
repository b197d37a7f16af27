// SPDX-License-Identifier: Apache-2.0
// File work shared by the parts of this adapter: owned descriptors, errors as Status, publishing by
// rename with the fsyncs that make it last.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "agent/core/files.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.Release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd() { Close(); }

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int Release();
  void Close();

 private:
  int fd_ = -1;
};

// Removes its path at the end of the scope unless kept: whatever fails, no partial file stays.
class Draft {
 public:
  explicit Draft(std::filesystem::path path) : path_(std::move(path)) {}
  Draft(Draft&&) = delete;
  ~Draft();
  const std::filesystem::path& path() const { return path_; }
  void Keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

using core::FileError;
using core::MakeDir;

// FileError for a tool that failed while writing below `dir`: full when it or the file system says
// so.
Status ToolFileError(Reason reason, std::string_view message, const std::filesystem::path& dir,
                     std::string_view tool_says);

// Opens `path` for writing; it must not exist.
Expected<OwnedFd> CreateFile(const std::filesystem::path& path, unsigned mode);
Status WriteAll(int fd, std::string_view bytes, const std::filesystem::path& path);
Status SyncFile(const std::filesystem::path& path);
// fsyncs nothing of the file itself: renames `draft` to `target` and makes the directory entry
// last.
Status Publish(Draft& draft, const std::filesystem::path& target);
// A small file whole; NOT_FOUND code when there is none.
Expected<std::string> ReadSmallFile(const std::filesystem::path& path, std::size_t limit);

}  // namespace kilonova::agent::adapters::images
