// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/cache_manager.h"

#include <sys/statvfs.h>

#include <algorithm>

#include "agent/adapters/images/qemu_img.h"
#include "common/base/log.h"

namespace kilonova::agent::adapters::images {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostFiles = 64;  // of one instance's directory that may be disks

// What of an instance's directory may stand on a base.
bool MayBeDisk(const std::string& name) { return name.starts_with("disk"); }

Status Unreadable(const fs::path& path) {
  return Error(Code::kUnavailable, reason::kInternal, "a disk cannot be read",
               {{kOperatorDetail, path.string()}});
}

// The bases named by the disks of one directory, into `used`.
Status BasesOf(const fs::path& dir, std::set<std::string>& used) {
  std::error_code error;
  std::size_t files = 0;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    if (!MayBeDisk(it->path().filename().string()) || ++files > kMostFiles) continue;
    const auto base = ReadBackingFile(it->path());
    if (!base.ok()) return base.status();
    if (!base->empty()) used.insert(fs::path(*base).filename().string());
  }
  // It may have gone meanwhile, with its instance.
  const bool nothing =
      error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  return error && !nothing ? Unreadable(dir) : OkStatus();
}

}  // namespace

std::shared_ptr<const void> CacheLeases::Take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<const void>& held = held_[key];
  if (auto lease = held.lock()) return lease;
  auto lease = std::make_shared<const char>('x');
  held = lease;
  return lease;
}

Expected<std::set<std::string>> CacheManager::InUse() const {
  std::set<std::string> used;
  for (const fs::path& parent : {paths_.Instances(), paths_.Quarantine()}) {
    std::error_code error;
    for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
      RETURN_IF_ERROR(BasesOf(it->path(), used));
    }
    if (error && error != std::errc::no_such_file_or_directory) return Unreadable(parent);
  }
  return used;
}

std::vector<CacheManager::Image> CacheManager::Unused(const std::set<std::string>& used) const {
  std::vector<Image> unused;
  std::error_code error;
  for (fs::directory_iterator it(paths_.Images(), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (name.starts_with(".") || name.ends_with(".info") || !it->is_regular_file(ignored)) continue;
    if (used.contains(name)) continue;
    const auto time = fs::last_write_time(it->path(), ignored);
    if (!ignored) unused.push_back({name, time});
  }
  std::ranges::sort(unused, {}, &Image::last_used);
  return unused;
}

bool CacheManager::Remove(const std::string& key) const {
  bool removed = false;
  leases_.IfFree(key, [&] {
    std::error_code error;
    // The image first: a record without its image is no image.
    removed = fs::remove(paths_.Images() / key, error) && !error;
    if (removed) fs::remove(paths_.Images() / (key + ".info"), error);
    if (error)
      LogWarn("cannot remove a cached image", {F("image", key), F("error", error.message())});
  });
  if (removed) LogInfo("removed an unused image from the cache", {F("image", key)});
  return removed;
}

void CacheManager::Run() const {
  const auto used = InUse();
  if (!used.ok()) {
    LogWarn("the image cache is left as it is", {F("why", used.status())});
    return;
  }
  const auto now = fs::file_time_type::clock::now();
  for (const std::string& name : *used) {
    std::error_code ignored;  // a base outside of the cache is not ours
    if (fs::is_regular_file(paths_.Images() / name, ignored)) {
      fs::last_write_time(paths_.Images() / name, now, ignored);
    }
  }
  if (!options_.remove_unused_base_images) return;
  for (const Image& image : Unused(*used)) {
    if (now - image.last_used < options_.remove_unused_original_minimum_age_seconds) break;
    Remove(image.key);
  }
}

Status CacheManager::MakeRoom(std::uint64_t bytes) const {
  const auto enough = [&] {
    struct statvfs info = {};
    if (statvfs(paths_.Images().c_str(), &info) != 0) return true;  // the write will tell
    const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
    const std::uint64_t hundredth = std::uint64_t{info.f_blocks} * info.f_frsize / 100;
    return free >= bytes && free - bytes >= std::min(options_.least_free_bytes, hundredth);
  };
  if (enough()) return OkStatus();
  if (options_.remove_unused_base_images) {
    const auto used = InUse();
    if (used.ok()) {
      for (const Image& image : Unused(*used)) {
        if (Remove(image.key) && enough()) return OkStatus();
      }
    }
  }
  return Error(Code::kResourceExhausted, reason::kHostDiskFull, "the host's disk is full",
               {{kOperatorDetail, "no room for an image of " + std::to_string(bytes) + " bytes"}});
}

}  // namespace kilonova::agent::adapters::images
