// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/request_classes.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <bit>

namespace kilonova::scheduler::core::fast {
namespace {

constexpr std::size_t kMostClasses = 4096;
constexpr std::uint8_t kUnknown = 2;  // no host to judge yet

bool SameResources(const std::shared_ptr<const ResourceRequest>& a,
                   const std::shared_ptr<const ResourceRequest>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

// Hints of other instances, which filters of kPlacesPart read.
bool IsOfPlaces(const std::string& hint) {
  return hint == "group" || hint == "same_host" || hint == "different_host";
}

bool SameHints(const Hints& of, const Hints& hints) {
  auto at = of.begin();
  for (const auto& hint : hints) {
    if (IsOfPlaces(hint.first)) continue;
    if (at == of.end() || *at != hint) return false;
    ++at;
  }
  return at == of.end();
}

// Every field of a request is named here: either it makes classes different, or it is of places and
// hosts by name. A new field breaks the build on purpose: say which, and mind FastPath.
PlacementRequest ClassOf(const PlacementRequest& request) {
  PlacementRequest made = request;
  auto& [flavor, image_id, image_properties, availability_zone, hints, check_type, forced_host,
         forced_node, ignore_hosts, requested_destination, instance_group, pci_requests,
         numa_topology, network_metadata, project_id, resource_request, vcpu_fallback, resources,
         instances] = made;
  check_type = CheckType::kNone;
  forced_host.clear();
  forced_node.clear();
  ignore_hosts.clear();
  requested_destination.reset();
  instance_group.reset();
  vcpu_fallback = nullptr;
  instances.clear();
  std::erase_if(hints, [](const auto& hint) { return IsOfPlaces(hint.first); });
  return made;
}

bool SameClass(const PlacementRequest& of, const PlacementRequest& request) {
  return of.image_id == request.image_id && of.availability_zone == request.availability_zone &&
         of.project_id == request.project_id && of.resources == request.resources &&
         SameResources(of.resource_request, request.resource_request) &&
         of.image_properties == request.image_properties && of.flavor == request.flavor &&
         SameHints(of.hints, request.hints) && of.pci_requests == request.pci_requests &&
         SameNuma(of.numa_topology, request.numa_topology) &&
         of.network_metadata == request.network_metadata;
}

// Whether the filters that judge hosts one by one say the same. Of the flavor these read the extra
// specs alone: what a host has room for is not theirs to say.
bool SameAnswers(const RequestClass& of, const RequestClass& other) {
  const PlacementRequest& a = of.request;
  const PlacementRequest& b = other.request;
  return !of.rules && !other.rules && !of.providers && !other.providers &&
         of.own.size() == other.own.size() && a.image_id == b.image_id &&
         a.image_properties == b.image_properties && a.flavor.extra_specs == b.flavor.extra_specs &&
         a.hints == b.hints && a.pci_requests == b.pci_requests &&
         SameNuma(a.numa_topology, b.numa_topology) && a.network_metadata == b.network_metadata;
}

bool ServedByProviders(const Fleet& fleet, const PlacementRequest& request) {
  return request.resource_request != nullptr &&
         fleet.provider_trees().MayServe(*request.resource_request);
}

std::size_t HashOf(const PlacementRequest& request) {
  const model::Flavor& flavor = request.flavor;
  std::size_t hints = 0;
  for (const auto& hint : request.hints) {
    if (!IsOfPlaces(hint.first)) hints = absl::HashOf(hints, hint.first, hint.second);
  }
  return absl::HashOf(hints, request.pci_requests.size(), flavor.vcpus, flavor.memory_mb,
                      flavor.root_gb, flavor.ephemeral_gb, flavor.swap_mb,
                      request.availability_zone, request.project_id, flavor.extra_specs.size(),
                      request.image_properties.size());
}

}  // namespace

bool SameNuma(const std::optional<hardware::InstanceNumaTopology>& a,
              const std::optional<hardware::InstanceNumaTopology>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  const auto same = [](const hardware::InstanceNumaCell& x, const hardware::InstanceNumaCell& y) {
    return x.id == y.id && x.memory == y.memory && x.pagesize == y.pagesize &&
           x.cpu_policy == y.cpu_policy && x.cpu_thread_policy == y.cpu_thread_policy &&
           x.cpuset == y.cpuset && x.pcpuset == y.pcpuset && x.cpu_topology == y.cpu_topology;
  };
  return a->emulator_threads_policy == b->emulator_threads_policy &&
         std::ranges::equal(a->cells, b->cells, same);
}

RequestClass* RequestClasses::Find(Fleet& fleet, const PlacementRequest& request) {
  if (generation_ != points_.Generation() || count_ >= kMostClasses) {
    Clear(fleet);
    generation_ = points_.Generation();
  }
  ++now_;
  const bool by_providers = ServedByProviders(fleet, request);
  RequestClass* found = Known(request, by_providers);
  if (found == nullptr) {
    auto held = fleet.HoldFootprint(FootprintOf(request.flavor, ResourcesOf(request)),
                                    Fleet::NewClasses::kNone);
    if (!held.ok()) return nullptr;
    found = Add(request, by_providers, *held);
  }
  return Update(fleet, *found) ? found : nullptr;
}

RequestClass* RequestClasses::FindAnother(Fleet& fleet, const PlacementRequest& request,
                                          Fleet::FootprintId footprint) {
  const bool by_providers = ServedByProviders(fleet, request);
  RequestClass* found = Known(request, by_providers);
  if (found == nullptr) {
    fleet.Retain(footprint);
    found = Add(request, by_providers, footprint);
  }
  return Update(fleet, *found) ? found : nullptr;
}

RequestClass* RequestClasses::Known(const PlacementRequest& request, bool by_providers) {
  for (const auto& one : classes_[HashOf(request)]) {
    if (one->by_providers == by_providers && SameClass(one->request, request)) return one.get();
  }
  return nullptr;
}

RequestClass* RequestClasses::Add(const PlacementRequest& request, bool by_providers,
                                  Fleet::FootprintId footprint) {
  auto made = std::make_unique<RequestClass>();
  made->footprint = footprint;
  made->serial = ++serials_;
  made->request = ClassOf(request);
  made->by_providers = by_providers;
  ++count_;
  return classes_[HashOf(request)].emplace_back(std::move(made)).get();
}

bool RequestClasses::Update(const Fleet& fleet, RequestClass& of) {
  if (of.version != points_.Version()) {
    of.version = points_.Version();
    of.searchable = JudgeTrees(fleet, of) && Weighers(fleet, of);
  }
  if (!of.searchable) return false;
  Needs(fleet, of);
  if (of.own.empty()) return true;
  if (of.answers == 0) TakeAnswers(of);
  if (of.providers) KeepUpWithShared(fleet, of);
  (of.judged_as != nullptr ? *of.judged_as : of).used_at = now_;
  of.may_raise = std::ranges::any_of(
      of.own, [&](const PreparedFilter* filter) { return filter->MayRaise(fleet); });
  return !of.may_raise || JudgeAll(fleet, of);
}

void RequestClasses::Clear(Fleet& fleet) {
  for (const auto& [hash, alike] : classes_) {
    for (const auto& one : alike) fleet.ReleaseFootprint(one->footprint);
  }
  classes_.clear();
  count_ = 0;
  if (!holders_.empty()) points_.ForgetAnswers(~0ULL);
  holders_.clear();
}

// ---- trees

bool RequestClasses::JudgeTrees(const Fleet& fleet, RequestClass& of) {
  ++of.judged;
  auto prepared = Prepare(pipeline_, fleet, of.request);
  if (!prepared.ok() || prepared->skip) return false;
  of.prepared = *std::move(prepared);
  of.own.clear();
  of.hardware = {};
  for (const auto& stage : of.prepared.stages) {
    if (!stage.prepared) continue;
    if ((stage.filter->Reads() & ~(kSharedParts | kOwnPart)) != 0) return false;
    if ((stage.filter->Reads() & kOwnPart) != 0) of.own.push_back(stage.prepared.get());
    of.hardware.cells |= stage.filter->Name() == "NUMATopologyFilter";
    of.hardware.devices |= stage.filter->Name() == "PciPassthroughFilter";
  }
  const PlacementRules rules(of.request);
  of.rules.reset();
  of.providers.reset();
  if (of.by_providers) {
    of.own.push_back(&of.providers.emplace(of.request, fleet.FootprintAt(of.footprint)));
  } else if (rules.JudgesByHost()) {
    of.own.push_back(&of.rules.emplace(of.request));
  }
  of.passes.resize(points_.forest().Trees(), kUnknown);
  for (BoxForest::Tree tree = 0; tree < of.passes.size(); ++tree) {
    if (of.passes[tree] == kUnknown && !JudgeTree(fleet, rules, tree, of)) return false;
  }
  Compare(of);
  return true;
}

// What the trees that pass have in common.
void RequestClasses::Compare(RequestClass& of) const {
  of.one_cell = true;
  of.multipliers.reset();
  bool same = true;
  std::optional<std::uint32_t> cell;
  for (BoxForest::Tree tree = 0; tree < of.passes.size(); ++tree) {
    if (of.passes[tree] != kTreePasses) continue;
    const std::uint32_t multipliers = points_.MultipliersIdOf(tree);
    of.one_cell &= !cell || *cell == points_.Cell(tree);
    same &= !of.multipliers || *of.multipliers == multipliers;
    cell = points_.Cell(tree);
    of.multipliers = multipliers;
  }
  if (!same) of.multipliers.reset();
}

bool RequestClasses::JudgeTree(const Fleet& fleet, const PlacementRules& rules,
                               BoxForest::Tree tree, RequestClass& of) const {
  const auto host = points_.AnyHost(tree);
  if (!host) {
    // A gang took its hosts out for now; they are to be judged once they are back.
    if (points_.HostsOf(tree) > 0) of.version = UINT64_MAX;
    return true;
  }
  of.passes[tree] = 0;
  const bool by_host = of.rules || of.providers;
  if (!by_host && rules.Judge(fleet, *host) != Judgement::kPass) return true;
  for (const auto& stage : of.prepared.stages) {
    if (!stage.prepared || (stage.filter->Reads() & kOwnPart) != 0) continue;
    const Judgement judgement = stage.prepared->Judge(fleet, *host);
    if (judgement == Judgement::kPass) continue;
    if (judgement == Judgement::kRefuse) return true;
    of.passes[tree] = kUnknown;
    return false;
  }
  of.passes[tree] = kTreePasses;
  return true;
}

bool RequestClasses::Weighers(const Fleet& fleet, RequestClass& of) const {
  of.weighers.clear();
  for (std::size_t w = 0; w < pipeline_.weighers.size(); ++w) {
    const Weigher& weigher = *pipeline_.weighers[w];
    const HostPoints::Source& source = points_.Sources()[w];
    Weighed weighed{source.row, source.constant, false, weigher.Minimum(), weigher.Maximum()};
    switch (weigher.Scope(of.request)) {
      case WeigherScope::kHostAlone:
        if (!source.alone) return false;
        break;
      case WeigherScope::kSame: {
        weighed.row.reset();
        std::optional<HostIndex> host;
        for (BoxForest::Tree tree = 0; tree < of.passes.size() && !host; ++tree) {
          host = points_.AnyHost(tree);
        }
        if (host) weigher.Weigh(fleet, of.request, {&*host, 1}, {&weighed.constant, 1});
        points_.Clamp(w, {&weighed.constant, 1});
        weighed.same = true;
        break;
      }
      default:
        return false;
    }
    of.weighers.push_back(weighed);
  }
  return true;
}

void RequestClasses::Needs(const Fleet& fleet, RequestClass& of) const {
  const Footprint& footprint = fleet.FootprintAt(of.footprint);
  of.needs.clear();
  of.no_inventory = false;
  of.more_needs = false;
  if (of.providers) return NeedsOfRoot(fleet, of);
  for (std::size_t i = 0; i < footprint.classes.size(); ++i) {
    const std::uint32_t id = footprint.classes[i];
    of.no_inventory |= id == Fleet::kNoClass;
    of.more_needs |= id > kMostRooms || fleet.Class(id).odd_units != 0;
    if (id == Fleet::kNoClass || id > kMostRooms) continue;
    of.needs.push_back({id - 1, static_cast<std::int32_t>(footprint.amounts[i])});
  }
  of.no_inventory |=
      !points_.hardware_rooms().AddNeeds(of.request, of.hardware, points_.ClassRows(), of.needs);
}

// What no provider but the host itself has; how groups share it, the judge says.
void RequestClasses::NeedsOfRoot(const Fleet& fleet, RequestClass& of) const {
  const Footprint& footprint = fleet.FootprintAt(of.footprint);
  for (std::size_t i = 0; i < footprint.classes.size(); ++i) {
    const std::string& name = footprint.names[i];
    if (fleet.provider_trees().HaveClass(name)) continue;
    const std::uint32_t id = footprint.classes[i];
    of.no_inventory |= id == Fleet::kNoClass;
    if (id == Fleet::kNoClass || id > kMostRooms) continue;
    std::int64_t most = 0;
    for (const RequestGroup& group : of.request.resource_request->groups) {
      const auto wanted = group.resources.find(name);
      if (wanted != group.resources.end()) most = std::max(most, wanted->second);
    }
    of.needs.push_back({id - 1, static_cast<std::int32_t>(most)});
  }
  of.no_inventory |=
      !points_.hardware_rooms().AddNeeds(of.request, of.hardware, points_.ClassRows(), of.needs);
}

// ---- hosts

void RequestClasses::KeepUpWithShared(const Fleet& fleet, RequestClass& of) {
  const ProviderTrees& trees = fleet.provider_trees();
  if (of.shared_version == trees.SharedVersion()) return;
  const bool have_room = trees.SharedHaveRoom(fleet.FootprintAt(of.footprint).resources, 1);
  const bool hold = of.shared_have_room && have_room && of.pools_version == trees.PoolsVersion();
  of.shared_version = trees.SharedVersion();
  of.pools_version = trees.PoolsVersion();
  of.shared_have_room = have_room;
  if (!hold) points_.ForgetAnswers(of.answers);
}

void RequestClasses::TakeAnswers(RequestClass& of) {
  points_.StartAnswers();
  for (RequestClass* const holder : holders_) {
    if (!SameAnswers(of, *holder)) continue;
    of.judged_as = holder;
    of.answers = holder->answers;
    return;
  }
  std::size_t at = holders_.size();
  if (at < kAnswers) {
    holders_.push_back(&of);
  } else {
    const auto oldest = std::ranges::min_element(holders_, {}, &RequestClass::used_at);
    at = static_cast<std::size_t>(oldest - holders_.begin());
    EndAnswers(at);
    *oldest = &of;
  }
  of.answers = 1ULL << at;
}

void RequestClasses::EndAnswers(std::size_t at) {
  for (const auto& [hash, alike] : classes_) {
    for (const auto& one : alike) {
      if (one->answers != 1ULL << at) continue;
      one->answers = 0;
      one->judged_as = nullptr;
      one->judged_until = 0;
      one->raisers.clear();
    }
  }
  points_.ForgetAnswers(1ULL << at);
}

bool RequestClasses::Accepts(const Fleet& fleet, RequestClass& of, HostIndex host) {
  if (!points_.Known(host, of.answers)) {
    bool passes = true;
    auto& raisers = of.judged_as != nullptr ? of.judged_as->raisers : of.raisers;
    raisers.erase(host);
    for (const PreparedFilter* filter : of.own) {
      const Judgement judgement = filter->Judge(fleet, host);
      if (judgement == Judgement::kError) raisers.insert(host);
      passes = judgement == Judgement::kPass;
      if (!passes) break;
    }
    points_.Answer(host, of.answers, passes);
  }
  return points_.MayBe(host, of.answers);
}

bool RequestClasses::JudgeAll(const Fleet& fleet, RequestClass& of) {
  RequestClass& keeper = of.judged_as != nullptr ? *of.judged_as : of;
  const auto judge = [&](HostIndex host) {
    if (host < fleet.Slots() && points_.forest().Contains(host)) {
      Accepts(fleet, of, host);
    } else {
      keeper.raisers.erase(host);
    }
  };
  const auto changed = points_.ChangedSince(keeper.judged_until);
  if (changed) {
    std::ranges::for_each(*changed, judge);
  } else {
    // Of hosts whose answers are known, those that raise are known as well.
    for (HostIndex host = 0; host < fleet.Slots(); ++host) judge(host);
  }
  keeper.judged_until = points_.LogLength();
  return keeper.raisers.empty();
}

}  // namespace kilonova::scheduler::core::fast
