// SPDX-License-Identifier: Apache-2.0
#include "agent/core/files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace kilonova::agent::core {
namespace fs = std::filesystem;

Status FileError(int error, std::string_view what, const fs::path& path) {
  const std::string detail = std::string(what) + " " + path.string() + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) {
    return Error(Code::kResourceExhausted, reason::kHostDiskFull, "the host's disk is full",
                 {{kOperatorDetail, detail}});
  }
  return Error(Code::kInternal, reason::kInternal, "the host could not write the instance's files",
               {{kOperatorDetail, detail}});
}

Status MakeDir(const fs::path& path, unsigned mode) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return FileError(errno, "mkdir", path);
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) return FileError(errno, "stat", path);
  if (!S_ISDIR(info.st_mode)) return FileError(ENOTDIR, "mkdir", path);
  // Against the umask; and a mode somebody changed is put right.
  if ((info.st_mode & 07777) != mode && chmod(path.c_str(), mode) != 0) {
    return FileError(errno, "chmod", path);
  }
  return OkStatus();
}

}  // namespace kilonova::agent::core
