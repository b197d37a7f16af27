// SPDX-License-Identifier: Apache-2.0
// Whose a domain is, remembered. Internal to agent/adapters/libvirt.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <optional>
#include <unordered_map>

#include "agent/adapters/libvirt/handles.h"
#include "agent/core/hypervisor.h"

namespace kilonova::agent::adapters::libvirt {

class Owners {
 public:
  // The tag of `domain`, empty when it has none. From memory where known, else from libvirt.
  Expected<std::optional<core::OwnerTag>> Of(virDomainPtr domain, const Uuid& uuid);
  // Reads it anew. What was known stays when it cannot be read: a domain's last events come after
  // it has gone.
  Expected<std::optional<core::OwnerTag>> Refresh(virDomainPtr domain, const Uuid& uuid);
  // Only from memory; the outer optional is empty when nothing is known.
  std::optional<std::optional<core::OwnerTag>> Known(const Uuid& uuid) const;
  void Forget(const Uuid& uuid);
  void ForgetAll();

 private:
  mutable absl::Mutex mutex_;
  std::unordered_map<Uuid, std::optional<core::OwnerTag>> tags_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::agent::adapters::libvirt
