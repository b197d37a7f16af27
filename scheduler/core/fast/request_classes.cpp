// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/request_classes.h"

#include <absl/hash/hash.h>

#include <algorithm>

#include "scheduler/core/placement_rules.h"

namespace kilonova::scheduler::core::fast {
namespace {

constexpr std::size_t kMostClasses = 4096;
constexpr std::uint8_t kUnknown = 2;  // no host to judge yet

// Every field of a request is named here and either makes classes different or makes a request one
// for the full scan. A new field breaks the build on purpose: say which.
bool IsOrdinary(const PlacementRequest& request) {
  const auto& [flavor, image_id, image_properties, availability_zone, hints, check_type,
               forced_host, forced_node, ignore_hosts, requested_destination, instance_group,
               pci_requests, numa_topology, network_metadata, project_id, resource_request,
               vcpu_fallback, resources, instances] = request;
  return hints.empty() && check_type == CheckType::kNone && forced_host.empty() &&
         forced_node.empty() && ignore_hosts.empty() && !requested_destination && !instance_group &&
         pci_requests.empty() && !numa_topology && !network_metadata;
}

bool SameResources(const std::shared_ptr<const ResourceRequest>& a,
                   const std::shared_ptr<const ResourceRequest>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

bool SameClass(const PlacementRequest& a, const PlacementRequest& b) {
  return a.image_id == b.image_id && a.availability_zone == b.availability_zone &&
         a.project_id == b.project_id && a.resources == b.resources &&
         SameResources(a.resource_request, b.resource_request) &&
         a.image_properties == b.image_properties && a.flavor == b.flavor;
}

std::size_t HashOf(const PlacementRequest& request) {
  const model::Flavor& flavor = request.flavor;
  return absl::HashOf(flavor.vcpus, flavor.memory_mb, flavor.root_gb, flavor.ephemeral_gb,
                      flavor.swap_mb, request.availability_zone, request.project_id,
                      flavor.extra_specs.size(), request.image_properties.size());
}

}  // namespace

RequestClass* RequestClasses::Find(Fleet& fleet, const PlacementRequest& request) {
  if (!IsOrdinary(request)) return nullptr;
  if (request.resource_request != nullptr &&
      fleet.provider_trees().MayServe(*request.resource_request)) {
    return nullptr;
  }
  if (generation_ != points_.Generation() || count_ >= kMostClasses) {
    Clear(fleet);
    generation_ = points_.Generation();
  }
  auto& alike = classes_[HashOf(request)];
  RequestClass* found = nullptr;
  for (const auto& one : alike) {
    if (SameClass(one->request, request)) found = one.get();
  }
  if (found == nullptr) {
    auto made = Make(fleet, request);
    if (made == nullptr) return nullptr;
    found = made.get();
    alike.push_back(std::move(made));
    ++count_;
  }
  if (found->version != points_.Version()) {
    found->version = points_.Version();
    found->searchable = JudgeTrees(fleet, *found) && Weighers(fleet, *found);
  }
  if (!found->searchable) return nullptr;
  Needs(fleet, *found);
  return found;
}

void RequestClasses::Clear(Fleet& fleet) {
  for (const auto& [hash, alike] : classes_) {
    for (const auto& one : alike) fleet.ReleaseFootprint(one->footprint);
  }
  classes_.clear();
  count_ = 0;
}

std::unique_ptr<RequestClass> RequestClasses::Make(Fleet& fleet, const PlacementRequest& request) {
  auto made = std::make_unique<RequestClass>();
  auto held = fleet.HoldFootprint(FootprintOf(request.flavor, ResourcesOf(request)),
                                  Fleet::NewClasses::kNone);
  if (!held.ok()) return nullptr;
  made->footprint = *held;
  made->request = request;
  made->request.instances.clear();
  return made;
}

bool RequestClasses::JudgeTrees(const Fleet& fleet, RequestClass& of) {
  auto prepared = Prepare(pipeline_, fleet, of.request);
  if (!prepared.ok() || prepared->skip) return false;
  const PlacementRules rules(of.request);
  of.once = true;
  for (const auto& stage : prepared->stages) {
    if (!stage.prepared) continue;
    if ((stage.filter->Reads() & kAnyPart) != 0) return false;
    of.once &= stage.filter->OncePerRequest();
  }
  of.passes.resize(points_.forest().Trees(), kUnknown);
  for (BoxForest::Tree tree = 0; tree < of.passes.size(); ++tree) {
    if (of.passes[tree] != kUnknown) continue;
    const auto host = points_.AnyHost(tree);
    if (!host) continue;
    of.passes[tree] = rules.Judge(fleet, *host) == Judgement::kPass ? kTreePasses : 0;
    if (of.passes[tree] == 0) continue;
    for (const auto& stage : prepared->stages) {
      if (!stage.prepared) continue;
      const Judgement judgement = stage.prepared->Judge(fleet, *host);
      if (judgement == Judgement::kPass) continue;
      if (judgement == Judgement::kError) {
        of.passes[tree] = kUnknown;
        return false;
      }
      of.passes[tree] = 0;
      break;
    }
  }
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
  for (std::size_t i = 0; i < footprint.classes.size(); ++i) {
    const std::uint32_t id = footprint.classes[i];
    of.no_inventory |= id == Fleet::kNoClass;
    of.more_needs |= id > kMostRooms || fleet.Class(id).odd_units != 0;
    if (id == Fleet::kNoClass || id > kMostRooms) continue;
    of.needs.push_back({id - 1, static_cast<std::int32_t>(footprint.amounts[i])});
  }
}

}  // namespace kilonova::scheduler::core::fast
