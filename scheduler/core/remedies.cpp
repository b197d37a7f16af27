// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/remedies.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "scheduler/core/placement_check.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::size_t kNearestPerRule = 64;
constexpr std::size_t kMostVariants = 64;
constexpr double kWholeConstraint = 1.0;

// A request resolved, with every rule it must pass.
class Judged {
 public:
  static Expected<Judged> Of(Fleet& fleet, const Pipeline& pipeline,
                             const PlacementRequest& request) {
    Judged judged(fleet, request);
    const auto resources = ResourcesOf(request);
    ASSIGN_OR_RETURN(const auto id, fleet.HoldFootprint(FootprintOf(request.flavor, resources),
                                                        Fleet::NewClasses::kNone));
    // Only its classes and amounts are of interest, which do not change.
    judged.print_ = std::make_unique<Footprint>(fleet.FootprintAt(id));
    fleet.ReleaseFootprint(id);
    judged.inventory_ = std::make_unique<PlacementCheck>(request, *judged.print_);
    ASSIGN_OR_RETURN(judged.prepared_, Prepare(pipeline, fleet, request));
    return judged;
  }

  const Footprint& footprint() const { return *print_; }
  std::size_t rules() const { return 2 + (prepared_.skip ? 0 : prepared_.stages.size()); }
  // 0: the inventory, 1: the lists of hosts, then the filters.
  Expected<bool> Passes(std::size_t rule, HostIndex host) const {
    if (rule == 0) return inventory_->Judge(*fleet_, host) == Judgement::kPass;
    std::vector<HostIndex> one{host};
    if (rule == 1) {
      StripHosts(*fleet_, *request_, one);
      return !one.empty();
    }
    const auto& stage = prepared_.stages[rule - 2];
    if (stage.prepared == nullptr) return true;
    RETURN_IF_ERROR(stage.prepared->Keep(*fleet_, one));
    return !one.empty();
  }
  Status Keep(std::size_t rule, std::vector<HostIndex>& hosts) const {
    if (rule == 0) return inventory_->Keep(*fleet_, hosts);
    if (rule == 1) {
      StripHosts(*fleet_, *request_, hosts);
      return OkStatus();
    }
    const auto& stage = prepared_.stages[rule - 2];
    return stage.prepared == nullptr ? OkStatus() : stage.prepared->Keep(*fleet_, hosts);
  }
  double Nearness(std::size_t rule, HostIndex host) const {
    if (rule == 0) return inventory_->Nearness(*fleet_, host);
    return rule == 1 || prepared_.stages[rule - 2].prepared == nullptr
               ? 0
               : prepared_.stages[rule - 2].prepared->Nearness(*fleet_, host);
  }
  std::string NameOf(std::size_t rule) const {
    if (rule == 0) return std::string(kPlacementFilter);
    return rule == 1 ? "HostList" : std::string(prepared_.stages[rule - 2].filter->Name());
  }
  FilterVerdict Describe(std::size_t rule, HostIndex host) const {
    FilterVerdict verdict{NameOf(rule), false, {}, {}};
    if (rule == 0) inventory_->Describe(*fleet_, host, verdict);
    if (rule > 1 && prepared_.stages[rule - 2].prepared != nullptr) {
      prepared_.stages[rule - 2].prepared->Describe(*fleet_, host, verdict);
    }
    return verdict;
  }
  Expected<bool> PassesAll(HostIndex host) const {
    for (std::size_t rule = 0; rule < rules(); ++rule) {
      ASSIGN_OR_RETURN(const bool passes, Passes(rule, host));
      if (!passes) return false;
    }
    return true;
  }

 private:
  Judged(Fleet& fleet, const PlacementRequest& request) : fleet_(&fleet), request_(&request) {}
  Fleet* fleet_;
  const PlacementRequest* request_;
  std::unique_ptr<Footprint> print_;
  std::unique_ptr<PlacementCheck> inventory_;
  PreparedPipeline prepared_;
};

// A host that one rule alone refuses.
struct NearMiss {
  HostIndex host = 0;
  std::size_t rule = 0;
  bool twice = false;  // a filter refuses it for what Placement refuses it for: status or zone
};

// Filters that ask again what Placement is asked.
bool RepeatsPlacement(const std::string& rule) {
  return rule == "ComputeFilter" || rule == "AvailabilityZoneFilter";
}

// The nearest hosts that each rule refused, as far as no other rule refuses them too. Nothing when
// some host passes.
Expected<std::vector<NearMiss>> NearMisses(const Fleet& fleet, const Judged& judged) {
  std::vector<HostIndex> hosts = AllHosts(fleet);
  std::vector<NearMiss> misses;
  for (std::size_t rule = 0; rule < judged.rules() && !hosts.empty(); ++rule) {
    const std::vector<HostIndex> before = hosts;
    RETURN_IF_ERROR(judged.Keep(rule, hosts));
    std::vector<std::pair<double, HostIndex>> refused;
    auto kept = hosts.begin();
    for (const HostIndex host : before) {
      if (kept != hosts.end() && *kept == host) {
        ++kept;
      } else {
        refused.emplace_back(-judged.Nearness(rule, host), host);
      }
    }
    const auto wanted = std::min(kNearestPerRule, refused.size());
    const auto end = refused.begin() + static_cast<std::ptrdiff_t>(wanted);
    std::partial_sort(refused.begin(), end, refused.end());
    for (auto it = refused.begin(); it != end; ++it) misses.push_back({it->second, rule});
  }
  if (!hosts.empty()) return std::vector<NearMiss>();
  std::vector<NearMiss> alone;
  for (NearMiss& miss : misses) {
    bool others = true;
    for (std::size_t rule = miss.rule + 1; others && rule < judged.rules(); ++rule) {
      ASSIGN_OR_RETURN(others, judged.Passes(rule, miss.host));
      if (others || miss.rule != 0 || !RepeatsPlacement(judged.NameOf(rule))) continue;
      miss.twice = others = true;
    }
    if (others) alone.push_back(miss);
  }
  return alone;
}

std::string Amount(const std::string& resource_class, std::int64_t amount, const char* how) {
  const std::string number = std::to_string(amount);
  if (resource_class == "MEMORY_MB") return number + " MiB " + how + " memory";
  if (resource_class == "DISK_GB") return number + " GiB " + how + " disk";
  return number + " " + how + " " + resource_class;
}

class Finder {
 public:
  Finder(Fleet& fleet, const Pipeline& pipeline, const PlacementRequest& request)
      : fleet_(fleet), pipeline_(pipeline), request_(request) {}

  Expected<std::vector<Remedy>> Find() {
    ASSIGN_OR_RETURN(const Judged judged, Judged::Of(fleet_, pipeline_, request_));
    ASSIGN_OR_RETURN(const std::vector<NearMiss> misses, NearMisses(fleet_, judged));
    for (const NearMiss& miss : misses) {
      if (miss.twice) {
        Enabled(judged, miss.host);
      } else if (miss.rule == 0) {
        Capacity(judged, miss.host);
      } else {
        OfTheHost(judged, miss);
      }
    }
    RETURN_IF_ERROR(Variants(misses));
    return Best();
  }

 private:
  void Add(double size, const std::string& kind, const std::string& change, HostIndex host) {
    auto& entry = found_[{kind, change}];
    if (entry.second.hosts++ == 0) {
      entry = {size, {kind, change, fleet_.Record(host).host, 1}};
    }
    entry.first = std::min(entry.first, size);
  }

  // One class of the inventory is short: less of it asked for, or more of it there.
  void Capacity(const Judged& judged, HostIndex host) {
    const Footprint& print = judged.footprint();
    std::optional<std::size_t> short_of;
    for (std::size_t i = 0; i < print.classes.size(); ++i) {
      if (fleet_.Class(print.classes[i]).Takes(host, print.amounts[i])) continue;
      if (short_of) return;
      short_of = i;
    }
    if (!short_of) return;
    const ClassColumn& column = fleet_.Class(print.classes[*short_of]);
    const std::string& name = print.names[*short_of];
    const std::int64_t amount = print.amounts[*short_of];
    const std::int64_t room = column.units[host].room;
    const std::int64_t step = std::max<std::int64_t>(column.step_size[host], 1);
    const std::int64_t fitting = room > 0 ? room / step * step : 0;
    if (fitting >= 1 && fitting < amount && column.Takes(host, fitting)) {
      const double size = static_cast<double>(amount - fitting) / static_cast<double>(amount);
      Add(size, "request", Amount(name, amount - fitting, "less"), host);
    }
    const std::int64_t left = column.units[host].capacity - column.units[host].used;
    if (left >= amount || amount > column.units[host].max_unit || column.units[host].max_unit == 0)
      return;
    const double size = static_cast<double>(amount - left) / static_cast<double>(amount);
    Add(size, "capacity",
        Amount(name, amount - left, "more") + " on host " + fleet_.Record(host).host, host);
  }

  // Placement refuses a disabled host by a trait.
  void Enabled(const Judged& judged, HostIndex host) {
    const std::uint8_t flags = fleet_.flags[host];
    if ((flags & Fleet::kEnabled) != 0) return;
    fleet_.flags[host] |= Fleet::kEnabled;
    const auto passes = judged.PassesAll(host);
    fleet_.flags[host] = flags;
    if (!passes.ok() || !*passes) return;
    Add(kWholeConstraint, "host", "host " + fleet_.Record(host).host + " enabled", host);
  }

  // Placement is asked for the aggregates of the zone.
  void LeaveZone(PlacementRequest& request) const {
    std::set<std::string, std::less<>> of_zone;
    for (std::uint32_t id = 0; id < fleet_.aggregate_lists.Size(); ++id) {
      const auto* list = fleet_.aggregate_lists.Find(id);
      if (list == nullptr) continue;
      for (const Aggregate& aggregate : *list) {
        const auto zone = aggregate.metadata.find("availability_zone");
        if (zone != aggregate.metadata.end() && zone->second == request.availability_zone) {
          of_zone.insert(aggregate.uuid);
        }
      }
    }
    request.availability_zone.clear();
    if (request.resource_request == nullptr || of_zone.empty()) return;
    auto asked = std::make_shared<ResourceRequest>(*request.resource_request);
    for (RequestGroup& group : asked->groups) {
      std::erase_if(group.aggregates, [&](const auto& any) {
        return std::ranges::any_of(any, [&](const auto& uuid) { return of_zone.contains(uuid); });
      });
    }
    request.resource_request = std::move(asked);
  }

  void OfTheHost(const Judged& judged, const NearMiss& miss) {
    const HostRecord& record = fleet_.Record(miss.host);
    const std::string name = judged.NameOf(miss.rule);
    if (name == "ComputeFilter") {
      const std::uint8_t flags = fleet_.flags[miss.host];
      const bool up = (flags & Fleet::kUp) != 0;
      const bool enabled = (flags & Fleet::kEnabled) != 0;
      if (up && enabled) return;
      const std::string what = up ? "enabled" : enabled ? "up" : "up and enabled";
      Add(kWholeConstraint, "host", "host " + record.host + " " + what, miss.host);
      return;
    }
    if (miss.rule < 2) return;
    const FilterVerdict verdict = judged.Describe(miss.rule, miss.host);
    Add(kWholeConstraint + 1, "host",
        "host " + record.host + " with " + verdict.need + " instead of " + verdict.have + " (" +
            name + ")",
        miss.host);
  }

  struct Variant {
    std::string change;
    PlacementRequest request;
  };

  std::vector<Variant> Relaxed() const {
    std::vector<Variant> variants;
    const auto with = [&](std::string change, const std::function<void(PlacementRequest&)>& edit) {
      if (variants.size() >= kMostVariants) return;
      Variant variant{std::move(change), request_};
      edit(variant.request);
      variants.push_back(std::move(variant));
    };
    if (!request_.availability_zone.empty()) {
      with("any zone instead of " + request_.availability_zone,
           [this](PlacementRequest& r) { LeaveZone(r); });
    }
    if (!request_.forced_host.empty() || !request_.forced_node.empty()) {
      with("without the forced host", [](PlacementRequest& r) {
        r.forced_host.clear();
        r.forced_node.clear();
      });
    }
    if (request_.requested_destination) {
      with("any host instead of " + request_.requested_destination->host,
           [](PlacementRequest& r) { r.requested_destination.reset(); });
    }
    if (request_.instance_group) {
      with("without the server group", [](PlacementRequest& r) { r.instance_group.reset(); });
      if (request_.instance_group->policy == "anti-affinity") {
        const auto most = request_.instance_group->max_server_per_host.value_or(1) + 1;
        with("max_server_per_host " + std::to_string(most),
             [most](PlacementRequest& r) { r.instance_group->max_server_per_host = most; });
      }
    }
    for (const auto& [name, values] : request_.hints) {
      if (name == "group") continue;
      with("without the hint " + name,
           [&name = name](PlacementRequest& r) { r.hints.erase(name); });
    }
    for (const auto& [name, value] : request_.flavor.extra_specs) {
      const bool trait = name.starts_with("trait");
      const auto colon = name.find(':');
      const std::string what =
          trait && colon != std::string::npos
              ? (value == "forbidden" ? "with trait " : "without trait ") + name.substr(colon + 1)
              : "without extra spec " + name + "=" + value;
      with(what, [&name = name](PlacementRequest& r) { r.flavor.extra_specs.erase(name); });
    }
    for (const auto& [name, value] : request_.image_properties) {
      with("without image property " + name + "=" + value,
           [&name = name](PlacementRequest& r) { r.image_properties.erase(name); });
    }
    return variants;
  }

  // What one host refuses by one rule may be a single wish of the request.
  Status Variants(const std::vector<NearMiss>& misses) {
    for (const Variant& variant : Relaxed()) {
      // A wish without which the request makes no sense cannot be dropped.
      const auto judged = Judged::Of(fleet_, pipeline_, variant.request);
      if (!judged.ok()) continue;
      for (const NearMiss& miss : misses) {
        const auto passes = judged->PassesAll(miss.host);
        if (passes.ok() && *passes) Add(kWholeConstraint, "request", variant.change, miss.host);
      }
    }
    return OkStatus();
  }

  std::vector<Remedy> Best() {
    std::vector<std::pair<double, Remedy>> all;
    for (auto& [key, entry] : found_) all.push_back(std::move(entry));
    std::ranges::sort(all, [](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first < b.first;
      if (a.second.hosts != b.second.hosts) return a.second.hosts > b.second.hosts;
      return a.second.change < b.second.change;
    });
    std::vector<Remedy> best;
    for (auto& [size, remedy] : all) {
      if (best.size() == kMostRemedies) break;
      best.push_back(std::move(remedy));
    }
    return best;
  }

  Fleet& fleet_;
  const Pipeline& pipeline_;
  const PlacementRequest& request_;
  std::map<std::pair<std::string, std::string>, std::pair<double, Remedy>> found_;
};

}  // namespace

Expected<std::vector<Remedy>> FindRemedies(Fleet& fleet, const Pipeline& pipeline,
                                           const PlacementRequest& request) {
  return Finder(fleet, pipeline, request).Find();
}

}  // namespace kilonova::scheduler::core
