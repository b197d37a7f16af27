// SPDX-License-Identifier: Apache-2.0
// Nova's image cache manager: cached images that are not in use are removed once they are old
// enough, their age counted from when they were last seen in use (the file's mtime, as in Nova).
//
// In use is what the header of any disk under instances/ or quarantine/ names as its base, whoever
// made that disk, and what a build holds a lease on. When a disk cannot be read, nothing is
// removed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "agent/adapters/images/cache_leases.h"
#include "agent/adapters/images/options.h"
#include "agent/core/paths.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

class CacheManager {
 public:
  CacheManager(core::Paths paths, CacheOptions options, CacheLeases& leases)
      : paths_(std::move(paths)), options_(options), leases_(leases) {}

  // One pass: used images are marked as used now, unused ones removed when old enough.
  void Run() const;
  // Makes room for `bytes` more beside least_free_bytes: unused images go, the longest unused
  // first. HOST_DISK_FULL when that is not enough.
  Status MakeRoom(std::uint64_t bytes) const;

  struct Image {
    std::string key;  // "<sha256>.<format>"
    std::filesystem::file_time_type last_used;
  };
  // File names of bases that disks stand on. An error when one cannot be read.
  Expected<std::set<std::string>> InUse() const;

 private:
  std::vector<Image> Unused(const std::set<std::string>& used) const;  // oldest first
  bool Remove(const std::string& key) const;

  const core::Paths paths_;
  const CacheOptions options_;
  CacheLeases& leases_;
};

}  // namespace kilonova::agent::adapters::images
