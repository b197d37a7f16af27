// SPDX-License-Identifier: Apache-2.0
#include "agent/core/mdevs.h"

#include <algorithm>

#include "common/base/log.h"

namespace kilonova::agent::core {
namespace {

constexpr int kMostTries = 16;

Status MakeMissing(Services& services, const Uuid& instance,
                   const std::vector<hardware::Mdev>& mdevs, const hardware::MdevMachine& machine) {
  for (const hardware::Mdev& mdev : mdevs) {
    const bool there = std::ranges::any_of(
        machine.mdevs, [&mdev](const hardware::Mdev& known) { return known.uuid == mdev.uuid; });
    if (there) continue;
    if (services.settings.mdev_types.TypeOf(mdev.parent) != mdev.type) {
      return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                   "a mediated device of the guest is of a type its GPU serves no more",
                   {{"class", services.settings.mdev_types.ClassOf(mdev.parent)},
                    {"type", mdev.type},
                    {"device", mdev.parent}});
    }
    RETURN_IF_ERROR(services.ports.hypervisor.CreateMdev(mdev));
    services.counters.Add("mdevs.created");
    LogInfo("mediated device made", {F("instance", instance), F("mdev", mdev.uuid),
                                     F("device", mdev.parent), F("type", mdev.type)});
  }
  return OkStatus();
}

}  // namespace

Expected<std::vector<hardware::Mdev>> ClaimMdevs(Operation& op,
                                                 const std::vector<hardware::MdevRequest>& wanted) {
  Services& services = op.services();
  if (wanted.empty()) return std::vector<hardware::Mdev>();
  if (auto had = services.claims.MdevsOf(op.instance()); !had.empty()) return had;
  // What the machine has is only read right while nobody promises or gives back any meanwhile.
  for (int tries = 1;; ++tries) {
    const std::int64_t as_of = services.claims.MdevChanges();
    ASSIGN_OR_RETURN(const hardware::MdevMachine machine, services.ports.hypervisor.Mdevs());
    auto taken = services.claims.ClaimMdevs(
        op.instance(), {.types = services.settings.mdev_types,
                        .machine = machine,
                        .wanted = wanted,
                        .as_of = tries < kMostTries ? as_of : services.claims.MdevChanges()});
    if (taken.status().code() != Code::kAborted || tries >= kMostTries) return taken;
  }
}

Status EnsureMdevs(Services& services, const Uuid& instance) {
  const auto mdevs = services.claims.MdevsOf(instance);
  if (mdevs.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const hardware::MdevMachine machine, services.ports.hypervisor.Mdevs());
  return MakeMissing(services, instance, mdevs, machine);
}

void RecreateMdevs(Services& services, const std::vector<InstanceRecord>& records) {
  // A build makes its own, and what it no longer has nobody must make for it.
  const auto concerned = [](const InstanceRecord& record) {
    return !record.mdevs.empty() && record.vm_state != model::VmState::kBuilding &&
           !record.undo_pending;
  };
  if (!std::ranges::any_of(records, concerned)) return;
  const auto machine = services.ports.hypervisor.Mdevs();
  if (!machine.ok()) {
    LogWarn("the host's mediated devices cannot be read", {F("why", machine.status())});
    return;
  }
  for (const InstanceRecord& record : records) {
    if (!concerned(record)) continue;
    const Status made = MakeMissing(services, record.uuid, record.mdevs, *machine);
    if (!made.ok()) {
      LogError("a guest's mediated device cannot be made again",
               {F("instance", record.uuid), F("why", made)});
    }
  }
}

Expected<std::vector<hardware::Mdev>> MdevsOfDomain(Services& services, const Uuid& domain) {
  std::vector<hardware::Mdev> mdevs;
  if (services.settings.mdev_types.Empty()) return mdevs;
  ASSIGN_OR_RETURN(const hardware::MdevMachine machine, services.ports.hypervisor.Mdevs());
  for (const hardware::Mdev& mdev : machine.mdevs) {
    const auto user = machine.users.find(mdev.uuid);
    if (user != machine.users.end() && user->second == domain) mdevs.push_back(mdev);
  }
  return mdevs;
}

}  // namespace kilonova::agent::core
