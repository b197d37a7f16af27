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
    Entry{"AvailabilityZoneFilter", MakeAvailabilityZoneFilter},
    Entry{"ComputeCapabilitiesFilter", MakeComputeCapabilitiesFilter},
    Entry{"ComputeFilter", MakeComputeFilter},
    Entry{"DifferentHostFilter", MakeDifferentHostFilter},
    Entry{"ImagePropertiesFilter", MakeImagePropertiesFilter},
    Entry{"SameHostFilter", MakeSameHostFilter},
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
  for (const auto& entry : kFilters) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> DefaultFilters() {
  // Nova's order, cheapest first where Nova leaves it open.
  return {"ComputeFilter",         "AvailabilityZoneFilter", "ComputeCapabilitiesFilter",
          "ImagePropertiesFilter", "SameHostFilter",         "DifferentHostFilter"};
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
