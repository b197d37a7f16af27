// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/remedies.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "scheduler/core/placement_check.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::size_t kNearestPerRule = 64;
constexpr std::size_t kMostRelaxed = 128;  // hosts that each wish less is tried on
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
    judged.print_ = Taken(fleet, id);
    if (request.vcpu_fallback != nullptr) RETURN_IF_ERROR(judged.FallBack(fleet, request));
    judged.inventory_ =
        std::make_unique<PlacementCheck>(request, *judged.print_, judged.fallback_.get());
    ASSIGN_OR_RETURN(judged.prepared_, Prepare(pipeline, fleet, request));
    return judged;
  }

  const Footprint& footprint() const { return *print_; }
  const PlacementCheck& inventory() const { return *inventory_; }
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
  // Only its classes and amounts are of interest, which do not change.
  static std::unique_ptr<Footprint> Taken(Fleet& fleet, Fleet::FootprintId id) {
    auto print = std::make_unique<Footprint>(fleet.FootprintAt(id));
    fleet.ReleaseFootprint(id);
    return print;
  }
  // Hosts may serve a pinned guest by VCPU, as when it is placed.
  Status FallBack(Fleet& fleet, const PlacementRequest& request) {
    second_ = std::make_unique<PlacementRequest>(request);
    second_->resource_request = std::exchange(second_->vcpu_fallback, nullptr);
    const auto resources = ResourcesOf(*second_);
    ASSIGN_OR_RETURN(const auto id, fleet.HoldFootprint(FootprintOf(second_->flavor, resources),
                                                        Fleet::NewClasses::kNone));
    second_print_ = Taken(fleet, id);
    fallback_ = std::make_unique<PlacementCheck>(*second_, *second_print_);
    return OkStatus();
  }

  Fleet* fleet_;
  const PlacementRequest* request_;
  std::unique_ptr<PlacementRequest> second_;
  std::unique_ptr<Footprint> print_, second_print_;
  std::unique_ptr<PlacementCheck> fallback_;
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

// The nearest hosts that each rule refused; nothing when some host passes.
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
  if (!hosts.empty()) misses.clear();
  return misses;
}

// Those that no other rule refuses too.
Expected<std::vector<NearMiss>> RefusedOnce(const Judged& judged,
                                            const std::vector<NearMiss>& misses) {
  std::vector<NearMiss> alone;
  for (NearMiss miss : misses) {
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

  Expected<std::vector<Remedy>> Find(std::span<const Relaxation> relaxations) {
    ASSIGN_OR_RETURN(const Judged judged, Judged::Of(fleet_, pipeline_, request_));
    ASSIGN_OR_RETURN(const std::vector<NearMiss> misses, NearMisses(fleet_, judged));
    if (misses.empty()) return std::vector<Remedy>();
    ASSIGN_OR_RETURN(const std::vector<NearMiss> alone, RefusedOnce(judged, misses));
    for (const NearMiss& miss : alone) {
      if (miss.twice) {
        Enabled(judged, miss.host);
      } else if (miss.rule == 0) {
        OfPlacement(judged, miss);
      } else {
        OfTheHost(judged, miss);
      }
    }
    // First those that one rule alone refuses, then the others.
    std::vector<HostIndex> hosts;
    for (const auto* some : {&alone, &misses}) {
      for (const NearMiss& miss : *some) {
        if (hosts.size() >= kMostRelaxed) break;
        if (std::ranges::find(hosts, miss.host) == hosts.end()) hosts.push_back(miss.host);
      }
    }
    Relaxed(relaxations, hosts);
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

  void OfPlacement(const Judged& judged, const NearMiss& miss) {
    if ((fleet_.flags[miss.host] & Fleet::kEnabled) == 0) return Enabled(judged, miss.host);
    const Footprint& print = judged.footprint();
    std::vector<std::size_t> short_of;
    for (std::size_t i = 0; i < print.classes.size(); ++i) {
      if (!fleet_.Class(print.classes[i]).Takes(miss.host, print.amounts[i])) short_of.push_back(i);
    }
    const bool rules = judged.inventory().RulesMeet(fleet_, miss.host);
    if (short_of.size() == 1 && rules) Capacity(print, short_of.front(), miss.host);
    if (short_of.empty() && !rules) Described(judged, miss);
  }

  // One class of the inventory is short: less of it asked for, or more of it there.
  void Capacity(const Footprint& print, std::size_t short_of, HostIndex host) {
    const ClassColumn& column = fleet_.Class(print.classes[short_of]);
    const std::string& name = print.names[short_of];
    const std::int64_t amount = print.amounts[short_of];
    const std::int64_t room = std::min<std::int64_t>(column.units[host].room, amount);
    const std::int64_t step = std::max<std::int64_t>(column.step_size[host], 1);
    const std::int64_t fitting = room > 0 ? room / step * step : 0;
    if (fitting >= 1 && fitting < amount && column.Takes(host, fitting)) {
      const double size = static_cast<double>(amount - fitting) / static_cast<double>(amount);
      Add(size, "request", Amount(name, amount - fitting, "less"), host);
    }
    const std::int64_t left = column.units[host].capacity - column.units[host].used;
    const bool none = column.units[host].max_unit == 0;
    const bool unit = none || (amount <= column.units[host].max_unit &&
                               amount >= column.min_unit[host] && amount % step == 0);
    if (!unit || left >= amount) return;
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
    if (miss.rule >= 2) Described(judged, miss);
  }

  // What the rule says it needs, in place of what there is.
  void Described(const Judged& judged, const NearMiss& miss) {
    FilterVerdict verdict = judged.Describe(miss.rule, miss.host);
    if (verdict.need.empty()) return;
    // Of NUMA cells it names the first hurdle alone.
    const bool cells = verdict.filter == "NUMATopologyFilter";
    Add(kWholeConstraint + 1, "host",
        "host " + fleet_.Record(miss.host).host + " with " +
            (cells ? "room for the guest's NUMA cells, so " : "") + verdict.need + " instead of " +
            verdict.have + " (" + verdict.filter + ")",
        miss.host);
  }

  // What a host refuses by one rule or by several may be a single wish of the request.
  void Relaxed(std::span<const Relaxation> relaxations, const std::vector<HostIndex>& hosts) {
    for (const Relaxation& relaxed : relaxations) {
      // A wish without which the request makes no sense cannot be dropped.
      const auto judged = Judged::Of(fleet_, pipeline_, relaxed.request);
      if (!judged.ok()) continue;
      for (const HostIndex host : hosts) {
        const auto passes = judged->PassesAll(host);
        if (passes.ok() && *passes) Add(kWholeConstraint, "request", relaxed.change, host);
      }
    }
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
                                           const PlacementRequest& request,
                                           std::span<const Relaxation> relaxations) {
  return Finder(fleet, pipeline, request).Find(relaxations);
}

}  // namespace kilonova::scheduler::core
