// SPDX-License-Identifier: Apache-2.0
// After a database was restored from a backup, hosts run guests it does not know. Their numbers are
// not given again (a number names a guest in libvirt), nor are their addresses while they run.
#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {

void Conductor::Impl::ReserveUnknown(Change& change, const std::string& host,
                                     const std::vector<model::HostInstance>& instances) {
  std::vector<const model::HostInstance*> unknown;
  {
    absl::MutexLock lock(&mutex_);
    const auto mine = reserved_.find(host);
    std::int64_t highest = 0;
    for (const model::HostInstance& instance : instances) {
      highest = std::max(highest, instance.id);
      const bool reserved = mine != reserved_.end() && mine->second.contains(instance.uuid);
      if (!instance.addresses.empty() && !reserved && live_.Find(instance.uuid) == nullptr) {
        unknown.push_back(&instance);
      }
    }
    if (highest > last_instance_id_) {
      LogWarn("a host knows of later instances than the database, numbers go on after them",
              {F("host", host), F("id", highest), F("last", last_instance_id_)});
      last_instance_id_ = highest;
      change.ops.emplace_back(RaiseInstanceId{highest});
    }
    if (mine != reserved_.end()) {
      for (const auto& [uuid, addresses] : mine->second) {
        const bool there = std::ranges::any_of(
            instances, [&uuid = uuid](const auto& instance) { return instance.uuid == uuid; });
        if (there) continue;
        change.ops.emplace_back(DropReserved{uuid});
        change.on_commit.emplace_back([this, host, uuid = uuid, addresses = addresses]()
                                          ABSL_NO_THREAD_SAFETY_ANALYSIS {
                                            if (reserved_[host].erase(uuid) == 0) return;
                                            if (reserved_[host].empty()) reserved_.erase(host);
                                            for (const auto& [network, address] : addresses) {
                                              const auto found = networks_.find(network);
                                              if (found != networks_.end())
                                                found->second.pool.Release(address);
                                            }
                                          });
      }
    }
  }
  // One that was deleted meanwhile is known: its guest is on its way out.
  std::erase_if(unknown, [this](const auto* i) { return store_.DeletedInstance(i->uuid).ok(); });
  absl::MutexLock lock(&mutex_);
  for (const model::HostInstance* instance : unknown) {
    if (live_.Find(instance->uuid) != nullptr) continue;
    Reserved taken;
    for (const auto& [network, address] : instance->addresses) {
      const auto found = networks_.find(network);
      if (found == networks_.end()) continue;
      if (found->second.pool.Mark(address)) {
        taken.emplace_back(network, address);
        change.ops.emplace_back(PutReserved{{host, instance->uuid, network, address}});
      } else {
        LogError("two guests have one address: one was made after the backup that was restored",
                 {F("host", host), F("instance", instance->uuid), F("address", address)});
      }
    }
    if (taken.empty()) continue;
    reserved_[host][instance->uuid] = taken;
    change.on_failure.emplace_back([this, host, uuid = instance->uuid, taken] {
      absl::MutexLock undo(&mutex_);
      reserved_[host].erase(uuid);
      for (const auto& [network, address] : taken) {
        const auto found = networks_.find(network);
        if (found != networks_.end()) found->second.pool.Release(address);
      }
    });
  }
}

Status Conductor::Impl::WriteReserved(const std::string& host,
                                      const std::vector<model::HostInstance>& instances) {
  Change change;
  ReserveUnknown(change, host, instances);
  return change.ops.empty() ? OkStatus() : Commit(std::move(change));
}

}  // namespace kilonova::scheduler::core
