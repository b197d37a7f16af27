// SPDX-License-Identifier: Apache-2.0
// How the constraints read a flavor. Internal to common/hardware.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/hardware/constraints.h"
#include "common/hardware/errors.h"

namespace kilonova::hardware {

// An extra spec, nothing when the flavor has none of the name.
inline std::optional<std::string_view> FlavorText(const GuestNeeds& needs, std::string_view name) {
  const auto found = needs.flavor.extra_specs.find(std::string(name));
  if (found == needs.flavor.extra_specs.end()) return std::nullopt;
  return found->second;
}

// The same, counting an empty text as none: where Nova asks whether a value is "truthy".
inline std::optional<std::string_view> FlavorWord(const GuestNeeds& needs, std::string_view name) {
  const auto text = FlavorText(needs, name);
  return text && !text->empty() ? text : std::nullopt;
}

inline std::optional<std::string_view> ImageWord(const GuestNeeds& needs, std::string_view name) {
  const auto text = needs.image.Text(name);
  return text && !text->empty() ? text : std::nullopt;
}

// FlavorImageConflict: both say something, and not the same.
inline Status FlavorImageConflict(std::string_view extra_spec, std::string_view property) {
  std::string message = "the flavor's ";
  message += extra_spec;
  message += " conflicts with the image's ";
  message += property;
  return ImageRefused("FlavorImageConflict", "properties." + std::string(property), message);
}

// The guest's CPUs, 0..vcpus-1. FLAVOR_INVALID when there are more than sets of CPUs can hold.
inline Expected<CpuSet> GuestCpus(const GuestNeeds& needs) {
  if (needs.flavor.vcpus > kMaxCpuId + 1) {
    return FlavorRefused("Invalid", "vcpus", "too many vcpus to place each one");
  }
  return CpuSet::Range(0, static_cast<CpuId>(needs.flavor.vcpus) - 1);
}

// PageSizeConstraint before the fraction of a KiB is cut off: Nova counts half a KiB as a wish for
// pages, then makes 0 of it.
Expected<std::optional<double>> RawPageSize(const GuestNeeds& needs);

}  // namespace kilonova::hardware
