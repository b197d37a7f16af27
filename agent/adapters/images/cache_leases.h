// SPDX-License-Identifier: Apache-2.0
// Who holds a cached image that no disk stands on yet. Any number of threads.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace kilonova::agent::adapters::images {

class CacheLeases {
 public:
  // Lives as long as any copy of what is returned. nullptr while the image is being removed.
  std::shared_ptr<const void> Take(const std::string& key);
  // Runs `remove` unless somebody holds `key`; nobody can take it meanwhile.
  template <class Remove>
  bool IfFree(const std::string& key, Remove remove) {
    const std::lock_guard lock(mutex_);
    const auto it = held_.find(key);
    if (it != held_.end() && !it->second.expired()) return false;
    held_.erase(key);
    remove();
    return true;
  }

 private:
  // Not absl::Mutex: see single_flight.h.
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const void>> held_;  // guarded by mutex_
};

}  // namespace kilonova::agent::adapters::images
