// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/journal/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace kilonova::agent::adapters::journal {

Reserve::Reserve(std::filesystem::path path, std::uint64_t bytes)
    : path_(std::move(path)), bytes_(bytes) {}

bool Reserve::Whole() const {
  if (path_.empty()) return true;
  struct stat info = {};
  return stat(path_.c_str(), &info) == 0 && static_cast<std::uint64_t>(info.st_size) >= bytes_;
}

bool Reserve::Fill() const {
  if (Whole()) return true;
  struct statvfs fs = {};
  if (statvfs(path_.parent_path().c_str(), &fs) != 0) return false;
  if (static_cast<std::uint64_t>(fs.f_bavail) * fs.f_frsize < 2 * bytes_) return false;
  const int fd = open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  const bool filled = posix_fallocate(fd, 0, static_cast<off_t>(bytes_)) == 0;
  close(fd);
  if (!filled) unlink(path_.c_str());
  return filled;
}

bool Reserve::Release() const { return !path_.empty() && unlink(path_.c_str()) == 0; }

}  // namespace kilonova::agent::adapters::journal
