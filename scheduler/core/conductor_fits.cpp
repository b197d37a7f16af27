// SPDX-License-Identifier: Apache-2.0
// What would fit, and what would have to be different.
#include <algorithm>
#include <chrono>
#include <span>
#include <thread>
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {

void Conductor::Impl::AddRemedies(const PlacementRequest& request, Explanation& refusal) {
  std::vector<Relaxation> relaxations = RelaxationsOf(request);
  std::erase_if(relaxations, [this](Relaxation& relaxed) {
    absl::MutexLock lock(&mutex_);
    return !AskPlacement(DiskFormatOf(relaxed.request.image_id), relaxed.request).ok();
  });
  auto found = engine_.Remedies(request, relaxations);
  if (!found.ok()) {
    LogWarn("no remedies for a refusal", {F("error", found.status())});
    return;
  }
  refusal.remedies = *std::move(found);
  // One fits and all do not: fewer would, where each can be counted by itself.
  if (!refusal.remedies.empty() || request.instances.size() < 2 || request.instance_group) return;
  const auto room = engine_.WhatFits(request);
  const auto wanted = static_cast<std::int64_t>(request.instances.size());
  if (!room.ok() || room->count == 0 || room->count >= wanted) return;
  refusal.remedies.push_back(
      {"request", std::to_string(room->count) + " instances instead of " + std::to_string(wanted),
       room->hosts.front().host, static_cast<std::int64_t>(room->hosts.size())});
}

// No more than its server group may still have.
void Conductor::Impl::CapAtQuota(const PlacementRequest& request, Room& room) const {
  if (!request.instance_group || options_.server_group_members < 0) return;
  const auto members = static_cast<std::int64_t>(request.instance_group->members.size());
  room.count = std::clamp<std::int64_t>(
      room.count, 0, std::max<std::int64_t>(0, options_.server_group_members - members));
}

// Some hosts at a time, so that others get at what the lock guards in between.
void Conductor::Impl::AddZones(FlavorRoom& flavor) {
  constexpr std::size_t kAtOnce = 1000;
  std::span<const Room::OnHost> left = flavor.room.hosts;
  while (!left.empty()) {
    const auto some = left.first(std::min(kAtOnce, left.size()));
    left = left.subspan(some.size());
    {
      absl::MutexLock lock(&mutex_);
      for (const Room::OnHost& host : some) {
        const auto known = hosts_.find(host.host);
        if (known == hosts_.end()) continue;
        auto& [count, hosts] = flavor.zones[ZoneOfHost(known->second)];
        count += host.count;
        ++hosts;
      }
    }
    // As in Engine::WhatFits: a lock taken again at once is mostly got again.
    if (!left.empty()) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

Expected<std::vector<FlavorRoom>> Conductor::Impl::WhatFits(InstanceTemplate instance) {
  if (instance.name.empty()) instance.name = "what-fits";
  std::vector<PlacementRequest> requests;
  {
    absl::MutexLock lock(&mutex_);
    std::vector<std::string> flavors{instance.flavor};
    if (instance.flavor.empty()) {
      flavors.clear();
      for (const auto& [id, flavor] : flavors_) {
        if (!flavor->disabled) flavors.push_back(id);
      }
    }
    for (const std::string& flavor : flavors) {
      instance.flavor = flavor;
      auto request = PlacementOf(instance);
      // Of all flavors, those that the image is too large for have no room.
      if (!request.ok() && flavors.size() > 1 &&
          (HasReason(request.status(), reason::kFlavorDiskTooSmall) ||
           HasReason(request.status(), reason::kFlavorMemoryTooSmall))) {
        continue;
      }
      RETURN_IF_ERROR(request.status());
      requests.push_back(*std::move(request));
    }
  }
  std::vector<FlavorRoom> all;
  for (PlacementRequest& request : requests) {
    FlavorRoom& flavor = all.emplace_back();
    flavor.flavorid = request.flavor.flavorid;
    flavor.name = request.flavor.name;
    ASSIGN_OR_RETURN(flavor.room, engine_.WhatFits(request));
    AddZones(flavor);
    CapAtQuota(request, flavor.room);
    std::ranges::stable_sort(flavor.room.hosts, std::ranges::greater(), &Room::OnHost::count);
  }
  std::ranges::sort(all, {}, &FlavorRoom::name);
  return all;
}

// As Resolve, for a template that may have no image.
Expected<PlacementRequest> Conductor::Impl::PlacementOf(const InstanceTemplate& instance) {
  InstanceTemplate checked = instance;
  if (instance.image.empty()) checked.image = "none";
  RETURN_IF_ERROR(CheckTemplate(checked));
  ASSIGN_OR_RETURN(Resolved resolved, Resolve(instance));
  RETURN_IF_ERROR(FillGroupLocked(resolved.placement, resolved.group, {}, 0));
  return std::move(resolved.placement);
}

}  // namespace kilonova::scheduler::core
