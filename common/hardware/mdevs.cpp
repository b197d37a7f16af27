// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/mdevs.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "common/hardware/errors.h"

namespace kilonova::hardware {
namespace {

constexpr std::int64_t kMostUnits = INT32_MAX;
constexpr std::int64_t kMostOfAGuest = 256;

std::int64_t Sum(std::int64_t a, std::int64_t b) {
  return std::min(kMostUnits, std::clamp<std::int64_t>(a, 0, kMostUnits) +
                                  std::clamp<std::int64_t>(b, 0, kMostUnits));
}

// What is left for one instance, parent by parent.
class Room {
 public:
  Room(const MdevTypes& types, const MdevMachine& machine, const Uuid& instance,
       const std::vector<Mdev>& others)
      : types_(types) {
    std::set<Uuid> taken;
    std::set<Uuid> made;
    for (const Mdev& mdev : others) taken.insert(mdev.uuid);
    for (const auto& [mdev, domain] : machine.users) {
      if (domain != instance) taken.insert(mdev);
    }
    for (const Mdev& mdev : machine.mdevs) {
      made.insert(mdev.uuid);
      const std::string type = types.TypeOf(mdev.parent);
      Parent& parent = parents_[mdev.parent];
      if (mdev.type == type && !taken.contains(mdev.uuid)) parent.idle.push_back(mdev.uuid);
    }
    for (const MdevParent& from : machine.parents) {
      const auto available = from.available.find(types.TypeOf(from.name));
      if (available == from.available.end()) continue;
      Parent& parent = parents_[from.name];
      parent.more = Sum(parent.more, available->second);
    }
    // Promised and not made yet: they will come out of what can be made.
    for (const Mdev& mdev : others) {
      if (!made.contains(mdev.uuid)) --parents_[mdev.parent].more;
    }
    for (auto& [name, parent] : parents_) std::ranges::sort(parent.idle);
  }

  bool Take(const MdevRequest& request, std::vector<Mdev>& mdevs) {
    for (auto& [name, parent] : parents_) {
      if (!Concerns(request, name) || Left(parent) < request.count) continue;
      for (std::int64_t i = 0; i < request.count; ++i) {
        Mdev& mdev = mdevs.emplace_back();
        mdev.parent = name;
        mdev.type = types_.TypeOf(name);
        if (!parent.idle.empty()) {
          mdev.uuid = parent.idle.front();
          parent.idle.erase(parent.idle.begin());
        } else {
          mdev.uuid = Uuid::Random();
          --parent.more;
        }
      }
      return true;
    }
    return false;
  }

  // The most that one parent has.
  std::int64_t Most(const MdevRequest& request) const {
    std::int64_t most = 0;
    for (const auto& [name, parent] : parents_) {
      if (Concerns(request, name)) most = std::max(most, Left(parent));
    }
    return most;
  }

 private:
  struct Parent {
    std::vector<Uuid> idle;  // made, and nobody's
    std::int64_t more = 0;   // can be made; below 0 when more are promised
  };
  static std::int64_t Left(const Parent& parent) {
    return static_cast<std::int64_t>(parent.idle.size()) + std::max<std::int64_t>(parent.more, 0);
  }
  bool Concerns(const MdevRequest& request, const std::string& name) const {
    return (request.parent.empty() || request.parent == name) && !types_.TypeOf(name).empty() &&
           types_.ClassOf(name) == request.resource_class;
  }

  const MdevTypes& types_;
  std::map<std::string, Parent> parents_;
};

Status NoneLeft(const MdevRequest& request, std::int64_t free) {
  return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
               "the host has not enough mediated devices left",
               {{"class", request.resource_class},
                {"need", std::to_string(request.count)},
                {"free", std::to_string(free)},
                {std::string(kNovaException), "ComputeResourcesUnavailable"}});
}

}  // namespace

std::map<std::string, model::Inventory> MdevInventories(const MdevTypes& types,
                                                        const MdevMachine& machine) {
  std::map<std::string, model::Inventory> inventories;
  if (types.Empty()) return inventories;
  for (const Mdev& mdev : machine.mdevs) {
    const std::string type = types.TypeOf(mdev.parent);
    if (!type.empty() && mdev.type == type) ++inventories[mdev.parent].total;
  }
  for (const MdevParent& parent : machine.parents) {
    const auto available = parent.available.find(types.TypeOf(parent.name));
    if (available == parent.available.end()) continue;
    model::Inventory& inventory = inventories[parent.name];
    inventory.total = Sum(inventory.total, available->second);
    inventory.max_unit = inventory.total;
  }
  // Placement knows no inventory of nothing.
  std::erase_if(inventories, [](const auto& entry) { return entry.second.total == 0; });
  return inventories;
}

std::vector<MdevRequest> MdevsAsked(const model::Flavor& flavor, const MdevTypes& types) {
  constexpr std::string_view kPrefix = "resources";
  std::vector<MdevRequest> requests;
  for (const auto& [key, value] : flavor.extra_specs) {
    const std::size_t colon = key.find(':');
    if (!key.starts_with(kPrefix) || colon == std::string::npos) continue;
    const std::string name = key.substr(colon + 1);
    if (name != kVgpu && !types.Serves(name)) continue;
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
    if (error != std::errc() || end != value.data() + value.size() || count <= 0) continue;
    requests.push_back({"", name, count});
  }
  return requests;
}

Expected<std::vector<Mdev>> TakeMdevs(const MdevTypes& types, const MdevMachine& machine,
                                      const Uuid& instance, const std::vector<Mdev>& others,
                                      const std::vector<MdevRequest>& requests) {
  std::vector<Mdev> mdevs;
  Room room(types, machine, instance, others);
  for (const MdevRequest& request : requests) {
    const std::int64_t had = static_cast<std::int64_t>(mdevs.size());
    if (request.count > kMostOfAGuest - had || !room.Take(request, mdevs)) {
      return NoneLeft(request, room.Most(request));
    }
  }
  return mdevs;
}

}  // namespace kilonova::hardware
