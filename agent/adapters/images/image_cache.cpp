// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/image_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/adapters/images/records.h"
#include "common/base/failpoint.h"
#include "common/base/ids.h"

namespace kilonova::agent::adapters::images {
namespace fs = std::filesystem;

Status ImageCache::Prepare() const {
  std::error_code error;
  fs::create_directories(paths_.state_dir, error);
  if (error) return FileError(error.value(), "mkdir", paths_.state_dir);
  RETURN_IF_ERROR(MakeDir(paths_.Images(), 0711));
  RETURN_IF_ERROR(MakeDir(paths_.Downloads(), 0700));
  for (fs::directory_iterator it(paths_.Downloads(), error), end; !error && it != end;
       it.increment(error)) {
    fs::remove_all(it->path(), error);
    if (error) break;
  }
  if (error) return FileError(error.value(), "empty", paths_.Downloads());
  return OkStatus();
}

std::optional<core::CachedImage> ImageCache::Find(const std::string& key) const {
  const fs::path path = paths_.Images() / key;
  const Expected<std::string> text = ReadSmallFile(path.string() + ".info", 4096);
  if (!text.ok()) return std::nullopt;
  const std::optional<CacheRecord> record = ParseCacheRecord(*text);
  struct stat info = {};
  if (!record || lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  if (static_cast<std::uint64_t>(info.st_size) != record->file_size) return std::nullopt;
  if (!key.ends_with("." + record->format)) return std::nullopt;
  return core::CachedImage{path, record->format, record->virtual_size};
}

Expected<core::CachedImage> ImageCache::Publish(const std::string& key, const std::string& format,
                                                std::uint64_t virtual_size, std::uint64_t file_size,
                                                Draft& draft) const {
  RETURN_IF_FAILPOINT("agent.build.image_publish.before");
  const fs::path target = paths_.Images() / key;
  Draft note(paths_.Downloads() / Uuid::Random().str());
  {
    ASSIGN_OR_RETURN(const OwnedFd fd, CreateFile(note.path(), 0444));
    const std::string text = FormatCacheRecord({format, virtual_size, file_size});
    RETURN_IF_ERROR(WriteAll(fd.get(), text, note.path()));
    if (fsync(fd.get()) != 0) return FileError(errno, "fsync", note.path());
  }
  RETURN_IF_ERROR(kilonova::agent::adapters::images::Publish(note, target.string() + ".info"));
  RETURN_IF_ERROR(kilonova::agent::adapters::images::Publish(draft, target));
  RETURN_IF_FAILPOINT("agent.build.image_publish.after");
  return core::CachedImage{target, format, virtual_size};
}

}  // namespace kilonova::agent::adapters::images
