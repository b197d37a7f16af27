// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/filters.h"

#include <algorithm>
#include <array>

#include "scheduler/filters/factories.h"
#include "scheduler/filters/image_names.h"

namespace kilonova::scheduler::filters {
namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<core::Filter> (*make)(const FilterOptions&);
};

constexpr std::array kFilters = {
    Entry{"AggregateImagePropertiesIsolation", MakeAggregateImagePropertiesIsolation},
    Entry{"AggregateInstanceExtraSpecsFilter", MakeAggregateInstanceExtraSpecsFilter},
    Entry{"AggregateIoOpsFilter", MakeAggregateIoOpsFilter},
    Entry{"AggregateMultiTenancyIsolation", MakeAggregateMultiTenancyIsolation},
    Entry{"AggregateNumInstancesFilter", MakeAggregateNumInstancesFilter},
    Entry{"AggregateTypeAffinityFilter", MakeAggregateTypeAffinityFilter},
    Entry{"AllHostsFilter", MakeAllHostsFilter},
    Entry{"AvailabilityZoneFilter", MakeAvailabilityZoneFilter},
    Entry{"ComputeCapabilitiesFilter", MakeComputeCapabilitiesFilter},
    Entry{"ComputeFilter", MakeComputeFilter},
    Entry{"DifferentHostFilter", MakeDifferentHostFilter},
    Entry{"ImagePropertiesFilter", MakeImagePropertiesFilter},
    Entry{"IoOpsFilter", MakeIoOpsFilter},
    Entry{"IsolatedHostsFilter", MakeIsolatedHostsFilter},
    Entry{"JsonFilter", MakeJsonFilter},
    Entry{"MetricsFilter", MakeMetricsFilter},
    Entry{"NUMATopologyFilter", MakeNumaTopologyFilter},
    Entry{"NumInstancesFilter", MakeNumInstancesFilter},
    Entry{"PciPassthroughFilter", MakePciPassthroughFilter},
    Entry{"SameHostFilter", MakeSameHostFilter},
    Entry{"ServerGroupAffinityFilter", MakeServerGroupAffinityFilter},
    Entry{"ServerGroupAntiAffinityFilter", MakeServerGroupAntiAffinityFilter},
    Entry{"SimpleCIDRAffinityFilter", MakeSimpleCidrAffinityFilter},
};

Status Invalid(const std::string& name, const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid, message, {{"filter", name}});
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

std::vector<std::string> KnownFilters() {
  std::vector<std::string> names;
  names.reserve(std::size(kFilters));
  for (const auto& entry : kFilters) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> DefaultFilters() {
  // Nova's, in its order. Besides: the zone, which Nova asks of Placement; and two hints, which
  // Nova takes and passes over unless configured otherwise: what is accepted here is kept; and PCI
  // devices, which a flavor gets no other way than by a host that has them.
  return {"ComputeFilter",         "AvailabilityZoneFilter",        "ComputeCapabilitiesFilter",
          "ImagePropertiesFilter", "ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter",
          "SameHostFilter",        "DifferentHostFilter",           "PciPassthroughFilter"};
}

Expected<std::vector<std::unique_ptr<core::Filter>>> MakeFilters(
    const std::vector<std::string>& names, const FilterOptions& options) {
  const auto& architecture = options.image_properties_default_architecture;
  if (!architecture.empty() && !CanonicalArchitecture(architecture)) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 "image_properties_default_architecture is no architecture: " + architecture);
  }
  std::vector<std::unique_ptr<core::Filter>> filters;
  for (const auto& name : names) {
    const auto entry = std::ranges::find(kFilters, name, &Entry::name);
    if (entry == kFilters.end()) {
      return Invalid(name, "unknown filter " + name + "; known are " + Joined(KnownFilters()));
    }
    const bool twice = std::ranges::any_of(
        filters, [&](const auto& filter) { return filter->Name() == entry->name; });
    if (twice) return Invalid(name, "filter " + name + " is named twice");
    filters.push_back(entry->make(options));
  }
  return filters;
}

}  // namespace kilonova::scheduler::filters
