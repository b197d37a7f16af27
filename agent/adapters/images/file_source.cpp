// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/adapters/images/image_url.h"
#include "agent/adapters/images/sources.h"

namespace kilonova::agent::adapters::images {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kPiece = std::size_t{256} * 1024;

Status Forbidden(std::string_view why, const fs::path& path) {
  return Error(Code::kPermissionDenied, reason::kImageSourceForbidden,
               "the image's file may not be read from there",
               {{kOperatorDetail, path.string() + ": " + std::string(why)}});
}

Status Failed(int error, const fs::path& path) {
  if (error == ELOOP || error == ENOTDIR) return Forbidden("a link or no directory", path);
  return Error(Code::kNotFound, reason::kImageFetchFailed, "the image's file cannot be read",
               {{kOperatorDetail, path.string() + ": " + std::strerror(error)}});
}

// The root itself may be a link, being the operator's; below it nothing is followed.
Expected<OwnedFd> OpenBelow(const fs::path& root, const fs::path& relative) {
  OwnedFd dir(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir.ok()) return Failed(errno, root);
  const fs::path parent = relative.parent_path();
  for (const fs::path& part : parent) {
    dir = OwnedFd(openat(dir.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!dir.ok()) return Failed(errno, root / relative);
  }
  // O_NONBLOCK: a FIFO must not hang us before we see that it is one.
  OwnedFd file(openat(dir.get(), relative.filename().c_str(),
                      O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) return Failed(errno, root / relative);
  struct stat info = {};
  if (fstat(file.get(), &info) != 0) return Failed(errno, root / relative);
  if (!S_ISREG(info.st_mode)) return Forbidden("not a regular file", root / relative);
  return file;
}

Expected<OwnedFd> OpenAllowed(const fs::path& path, const std::vector<fs::path>& roots) {
  for (const fs::path& root : roots) {
    const fs::path relative = path.lexically_relative(root.lexically_normal());
    if (relative.empty() || relative == "." || *relative.begin() == "..") continue;
    return OpenBelow(root, relative);
  }
  return Forbidden("below no image_file_roots", path);
}

}  // namespace

Status ReadFileSource(const std::string& url, const std::vector<fs::path>& roots, ByteSink& sink,
                      const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const fs::path path, PathOfFileUrl(url));
  ASSIGN_OR_RETURN(const OwnedFd file, OpenAllowed(path, roots));
  std::string buffer(kPiece, '\0');
  while (true) {
    if (stop.stop_requested()) return Error(Code::kCancelled, reason::kUnavailable, "stopped");
    const ssize_t n = read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed(errno, path);
    if (n == 0) return OkStatus();
    RETURN_IF_ERROR(sink.Write(std::string_view(buffer).substr(0, static_cast<std::size_t>(n))));
  }
}

}  // namespace kilonova::agent::adapters::images
