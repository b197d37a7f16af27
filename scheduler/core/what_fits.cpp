// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/what_fits.h"

#include <algorithm>
#include <array>

#include "scheduler/core/placement_check.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core {
namespace {

// What the inventories alone leave; the host takes one already.
std::int64_t Divided(const Fleet& fleet, const Footprint& footprint, HostIndex host) {
  std::int64_t count = kMostRoom;
  for (std::size_t i = 0; i < footprint.classes.size(); ++i) {
    const ClassColumn& column = fleet.Class(footprint.classes[i]);
    count = std::min(
        count, (column.units[host].capacity - column.units[host].used) / footprint.amounts[i]);
  }
  return count;
}

// Parts of a host that claims change and that a request may name by itself.
bool NamesLoad(const PlacementRequest& request) {
  static constexpr std::array<std::string_view, 7> kLoad{
      "free_ram_mb", "free_disk_mb", "vcpus_used", "num_instances",
      "num_io_ops",  "stats",        "instances"};
  if (request.hints.contains("query")) return true;
  return std::ranges::any_of(request.flavor.extra_specs, [](const auto& spec) {
    return std::ranges::any_of(
        kLoad, [&](std::string_view part) { return spec.first.find(part) != std::string::npos; });
  });
}

// Fills one host claim by claim for as long as the rules let it, and empties it again.
class Filler {
 public:
  Filler(Fleet& fleet, const Pipeline& pipeline, const PlacementRequest& request,
         const PlacementCheck& placement, Fleet::FootprintId footprint,
         std::vector<std::pair<const Filter*, PreparedFilter*>> rules)
      : fleet_(fleet),
        request_(request),
        placement_(placement),
        footprint_(footprint),
        rules_(std::move(rules)),
        limited_(request.numa_topology && LimitsNuma(pipeline, request)),
        order_(pipeline.pack_numa_cells ? hardware::CellOrder::kPack
                                        : hardware::CellOrder::kSpread) {}

  Expected<std::int64_t> Fill(HostIndex host, std::int64_t most) {
    std::int64_t count = 0;
    Status status;
    while (count < most) {
      ASSIGN_OR_RETURN(const bool more, Passes(host, status));
      if (!more) break;
      fleet_.AddClaim(KeyOfNumber(count), host, footprint_, TakeHardware(count, host));
      ++count;
    }
    for (std::int64_t i = 0; i < count; ++i) fleet_.DropClaim(KeyOfNumber(i));
    RETURN_IF_ERROR(status);
    return count;
  }

  // The same of a host that nests providers or shares some: each instance may be served by others
  // of them. What it claims stays, as hosts may share, until Empty.
  Expected<std::int64_t> FillNested(HostIndex host) {
    const std::int64_t before = nested_;
    Status status;
    while (nested_ < kMostNestedRoom) {
      ASSIGN_OR_RETURN(const bool more, Passes(host, status));
      if (!more || !ClaimNested(nested_, host)) break;
      ++nested_;
    }
    RETURN_IF_ERROR(status);
    return nested_ - before;
  }
  void Empty() {
    for (; nested_ > 0; --nested_) fleet_.DropClaim(KeyOfNumber(nested_ - 1));
  }
  ~Filler() { Empty(); }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

 private:
  bool ClaimNested(std::int64_t number, HostIndex host) {
    if (placement_.RootServes(fleet_, host)) {
      fleet_.AddClaim(KeyOfNumber(number), host, footprint_, TakeHardware(number, host));
      return true;
    }
    const auto allocation = placement_.Allocate(fleet_, host);
    if (!allocation) return false;
    const auto held =
        fleet_.HoldFootprint(FootprintOf(request_.flavor, *allocation), Fleet::NewClasses::kNone);
    if (!held.ok()) return false;
    fleet_.AddClaim(KeyOfNumber(number), host, *held, TakeHardware(number, host));
    fleet_.ReleaseFootprint(*held);
    return true;
  }

  // Uuids of version 0: no instance has one.
  static UuidKey KeyOfNumber(std::int64_t number) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text = "00000000-0000-0000-0000-000000000000";
    for (std::size_t at = text.size(); number > 0; number >>= 4) text[--at] = kHex[number & 0xF];
    return KeyOf(*Uuid::Parse(text));
  }

  // Each is a request of its own and starts from what was asked.
  bool TakeHardware(std::int64_t number, HostIndex host) {
    std::optional<hardware::InstanceNumaTopology> numa = request_.numa_topology;
    hardware::NumaLimits limits;
    if (limited_) limits = fleet_.NumaLimitsOf(host, request_);
    return fleet_.TakeHardware(KeyOfNumber(number), host,
                               {.numa = numa,
                                .pci = request_.pci_requests,
                                .limits = limited_ ? &limits : nullptr,
                                .order = order_});
  }

  Expected<bool> Passes(HostIndex host, Status& status) {
    for (const auto& [filter, rule] : rules_) {
      if (!filter->OncePerRequest()) rule->Refresh(fleet_);
      switch (rule->Judge(fleet_, host)) {
        case Judgement::kPass:
          continue;
        case Judgement::kRefuse:
          return false;
        case Judgement::kError:
          status = Error(Code::kInvalidArgument, reason::kInvalidArgument,
                         std::string(filter->Name()) + " cannot judge this request");
          return false;
      }
    }
    return true;
  }

  Fleet& fleet_;
  const PlacementRequest& request_;
  const PlacementCheck& placement_;
  const Fleet::FootprintId footprint_;
  const std::vector<std::pair<const Filter*, PreparedFilter*>> rules_;
  const bool limited_;
  const hardware::CellOrder order_;
  std::int64_t nested_ = 0;  // claims FillNested made
};

}  // namespace

Expected<std::vector<RoomOnHost>> RoomFor(Fleet& fleet, const Pipeline& pipeline,
                                          const PlacementRequest& request,
                                          Fleet::FootprintId footprint, HostRange range) {
  const Footprint print = fleet.FootprintAt(footprint);
  std::vector<HostIndex> hosts;
  for (HostIndex host = range.begin; host < std::min(range.end, fleet.Slots()); ++host) {
    if (fleet.Present(host)) hosts.push_back(host);
  }
  const PlacementCheck placement(request, print);
  RETURN_IF_ERROR(placement.Keep(fleet, hosts));
  StripHosts(fleet, request, hosts);
  ASSIGN_OR_RETURN(const PreparedPipeline prepared, Prepare(pipeline, fleet, request));
  const bool names_load = NamesLoad(request);
  std::vector<std::pair<const Filter*, PreparedFilter*>> changing;
  for (const auto& stage : prepared.stages) {
    if (prepared.skip || stage.prepared == nullptr) continue;
    RETURN_IF_ERROR(stage.prepared->Keep(fleet, hosts));
    if (!stage.filter->OncePerRequest() || names_load) {
      changing.emplace_back(stage.filter, stage.prepared.get());
    }
  }
  Filler filler(fleet, pipeline, request, placement, footprint, changing);
  const ProviderTrees& trees = fleet.provider_trees();
  const bool nested =
      request.resource_request != nullptr && trees.MayServe(*request.resource_request);
  std::vector<RoomOnHost> room;
  room.reserve(hosts.size());
  for (const HostIndex host : hosts) {
    std::int64_t count = 0;
    if (nested && (trees.Has(host) || trees.AnyShared())) {
      ASSIGN_OR_RETURN(count, filler.FillNested(host));
      if (!trees.AnyShared()) filler.Empty();
      if (count > 0) room.push_back({host, count});
      continue;
    }
    count = Divided(fleet, print, host);
    if (!changing.empty()) {
      ASSIGN_OR_RETURN(count, filler.Fill(host, count));
    }
    if (count > 0) room.push_back({host, count});
  }
  return room;
}

namespace {

bool Runs(const Pipeline& pipeline, std::string_view filter) {
  return std::ranges::any_of(pipeline.filters,
                             [&](const auto& each) { return each->Name() == filter; });
}

bool Apart(const Pipeline& pipeline, const InstanceGroup& group) {
  return group.policy == "anti-affinity" && Runs(pipeline, "ServerGroupAntiAffinityFilter");
}

bool Together(const Pipeline& pipeline, const InstanceGroup& group) {
  return group.policy == "affinity" && Runs(pipeline, "ServerGroupAffinityFilter");
}

}  // namespace

bool WantsOneHost(const Pipeline& pipeline, const InstanceGroup& group) {
  return Together(pipeline, group) && group.hosts.empty();
}

void LimitToGroup(const Fleet& fleet, const Pipeline& pipeline, const InstanceGroup& group,
                  std::optional<HostIndex> first, std::map<HostIndex, std::int64_t>& room) {
  if (Together(pipeline, group)) {
    std::erase_if(room, [&](const auto& host) {
      if (group.hosts.empty()) return !first || host.first != *first;
      return std::ranges::find(group.hosts, fleet.Record(host.first).host) == group.hosts.end();
    });
  }
  if (!Apart(pipeline, group)) return;
  absl::flat_hash_map<HostIndex, std::int64_t> members;
  for (const HostIndex host : fleet.PlacesOf(group.members)) ++members[host];
  for (auto& [host, count] : room) {
    count = std::min(count, group.max_server_per_host.value_or(1) - members[host]);
  }
  std::erase_if(room, [](const auto& host) { return host.second <= 0; });
}

}  // namespace kilonova::scheduler::core
