// SPDX-License-Identifier: Apache-2.0
// This host's copy of the flavors, with revisions: a request that was accepted before a flavor
// changed names the older one.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/model/flavor.h"

namespace kilonova::agent::adapters::scheduler {

inline constexpr std::size_t kEarlierRevisions = 8;       // kept per flavorid
inline constexpr std::size_t kMostDeletedFlavors = 1024;  // remembered, the oldest go first

// Thread-safe.
class TemplateStore {
 public:
  // The whole new set; `hash` is kept as it is given.
  void Apply(const std::vector<model::Flavor>& flavors, const std::string& hash)
      ABSL_LOCKS_EXCLUDED(mutex_);
  std::string Hash() const ABSL_LOCKS_EXCLUDED(mutex_);  // "" before the first Apply

  // As core::ControlPlane::Template. UNAVAILABLE while there never was a set.
  Expected<model::Flavor> Get(const std::string& flavorid, const std::string& content_hash,
                              std::chrono::milliseconds wait) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends waits at once, now and from now on.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Revision {
    std::string content_hash;
    model::Flavor flavor;
  };
  const Revision* Find(const std::string& flavorid, const std::string& content_hash) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  mutable absl::CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool synced_ ABSL_GUARDED_BY(mutex_) = false;
  std::string hash_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::deque<Revision>> revisions_ ABSL_GUARDED_BY(mutex_);  // newest first
  std::deque<std::string> deleted_ ABSL_GUARDED_BY(mutex_);                        // oldest first
};

}  // namespace kilonova::agent::adapters::scheduler
