// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/files.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace kilonova::agent::adapters::images {
namespace fs = std::filesystem;

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = other.Release();
  }
  return *this;
}

int OwnedFd::Release() { return std::exchange(fd_, -1); }

void OwnedFd::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Draft::~Draft() {
  if (!kept_) unlink(path_.c_str());
}

Status ToolFileError(Reason reason, std::string_view message, const fs::path& dir,
                     std::string_view tool_says) {
  struct statvfs info = {};
  const bool no_room = statvfs(dir.c_str(), &info) == 0 && info.f_bavail == 0;
  const bool says_full = tool_says.find("No space left") != std::string_view::npos ||
                         tool_says.find("exceeds free space") != std::string_view::npos;  // xorriso
  if (no_room || says_full) {
    return Error(Code::kResourceExhausted, reason::kHostDiskFull, "the host's disk is full",
                 {{kOperatorDetail, std::string(tool_says)}});
  }
  return Error(Code::kInternal, reason, message, {{kOperatorDetail, std::string(tool_says)}});
}

Expected<OwnedFd> CreateFile(const fs::path& path, unsigned mode) {
  OwnedFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd.ok()) return FileError(errno, "create", path);
  return fd;
}

Status WriteAll(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(errno, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return OkStatus();
}

Status SyncFile(const fs::path& path) {
  const OwnedFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.ok()) return FileError(errno, "open", path);
  if (fsync(fd.get()) != 0) return FileError(errno, "fsync", path);
  return OkStatus();
}

Status Publish(Draft& draft, const fs::path& target) {
  if (rename(draft.path().c_str(), target.c_str()) != 0) return FileError(errno, "rename", target);
  draft.Keep();
  return SyncFile(target.parent_path());
}

Expected<std::string> ReadSmallFile(const fs::path& path, std::size_t limit) {
  const OwnedFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.ok() && errno == ENOENT) {
    return Error(Code::kNotFound, reason::kInternal, "no such file");
  }
  if (!fd.ok()) return FileError(errno, "open", path);
  std::string text;
  char buffer[4096];
  while (text.size() <= limit) {
    const ssize_t n = read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(errno, "read", path);
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return FileError(EFBIG, "read", path);
}

}  // namespace kilonova::agent::adapters::images
