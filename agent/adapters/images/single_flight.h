// SPDX-License-Identifier: Apache-2.0
// One piece of work at a time per key, shared by everybody who wants its result. The work runs on a
// thread of its own, so that a caller who stops waiting stops nobody else; when the last one has
// left, the work is told to stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "agent/core/image_store.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

// The largest virtual size wanted by those who wait; read by the work while it runs.
using SharedLimit = std::atomic<std::uint64_t>;

class SingleFlight {
 public:
  using Work = std::function<Expected<core::CachedImage>(const SharedLimit&, std::stop_token)>;

  // Joins the flight of `key` or starts one with `work`. CANCELLED when `stop` was requested first.
  // Blocks; any number of threads. No call may be inside when the object is destroyed.
  Expected<core::CachedImage> Join(const std::string& key, std::uint64_t limit, const Work& work,
                                   std::stop_token stop);

  // How many wait for `key` now.
  int Waiting(const std::string& key) const;

 private:
  struct Flight;
  std::shared_ptr<Flight> Board(const std::string& key, std::uint64_t limit, const Work& work);
  void Leave(const std::string& key, const std::shared_ptr<Flight>& flight, bool landed);

  // Not absl::Mutex: ThreadSanitizer cannot see into Debian's build of it, and this is raced.
  mutable std::mutex mutex_;
  // Shared between those who wait, the last of whom ends it.
  std::map<std::string, std::shared_ptr<Flight>> flights_;  // guarded by mutex_
};

}  // namespace kilonova::agent::adapters::images
