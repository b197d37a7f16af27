// SPDX-License-Identifier: Apache-2.0
// The agent's own count of what its instances take. The scheduler's claims decide; this is the
// second lock on the door, for a scheduler whose picture of the host is old.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <map>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/resources.h"

namespace kilonova::agent::core {

class HostClaims {
 public:
  // Puts `resources` beside what others have, if it fits into `inventories`. Again for the same
  // instance it replaces. HOST_RESOURCES_EXHAUSTED with details class, need, free.
  Status Claim(const Uuid& instance, const model::Resources& resources,
               const model::Inventories& inventories);
  // For instances that are there already: no question asked.
  void Set(const Uuid& instance, const model::Resources& resources);
  void Release(const Uuid& instance);
  model::Resources Used() const;

 private:
  mutable absl::Mutex mutex_;
  std::map<Uuid, model::Resources> claims_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::agent::core
