// SPDX-License-Identifier: Apache-2.0
#include "scheduler/weighers/weighers.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "scheduler/weighers/factories.h"

namespace kilonova::scheduler::weighers {
namespace {

enum class Default { kOn, kOff };  // off: what Nova 26.2 does not have

struct Entry {
  std::string_view name;
  std::string_view option;
  double default_multiplier;
  Default by_default;
  std::unique_ptr<core::Weigher> (*make)(double multiplier, const WeigherOptions& options);
};

constexpr std::array kWeighers = {
    Entry{"BalanceWeigher", "balance_weight_multiplier", 1.0, Default::kOff, MakeBalanceWeigher},
    Entry{"BuildFailureWeigher", "build_failure_weight_multiplier", 1000000.0, Default::kOn,
          MakeBuildFailureWeigher},
    Entry{"CPUWeigher", "cpu_weight_multiplier", 1.0, Default::kOn, MakeCpuWeigher},
    Entry{"CrossCellWeigher", "cross_cell_move_weight_multiplier", 1000000.0, Default::kOn,
          MakeCrossCellWeigher},
    Entry{"DiskWeigher", "disk_weight_multiplier", 1.0, Default::kOn, MakeDiskWeigher},
    Entry{"HypervisorVersionWeigher", "hypervisor_version_weight_multiplier", 1.0, Default::kOff,
          MakeHypervisorVersionWeigher},
    Entry{"ImagePropertiesWeigher", "image_props_weight_multiplier", 0.0, Default::kOff,
          MakeImagePropertiesWeigher},
    Entry{"IoOpsWeigher", "io_ops_weight_multiplier", -1.0, Default::kOn, MakeIoOpsWeigher},
    Entry{"MetricsWeigher", "metrics_weight_multiplier", 1.0, Default::kOn, MakeMetricsWeigher},
    Entry{"NumInstancesWeigher", "num_instances_weight_multiplier", 0.0, Default::kOff,
          MakeNumInstancesWeigher},
    Entry{"PCIWeigher", "pci_weight_multiplier", 1.0, Default::kOn, MakePciWeigher},
    Entry{"RAMWeigher", "ram_weight_multiplier", 1.0, Default::kOn, MakeRamWeigher},
    Entry{"ServerGroupSoftAffinityWeigher", "soft_affinity_weight_multiplier", 1.0, Default::kOn,
          MakeServerGroupSoftAffinityWeigher},
    Entry{"ServerGroupSoftAntiAffinityWeigher", "soft_anti_affinity_weight_multiplier", 1.0,
          Default::kOn, MakeServerGroupSoftAntiAffinityWeigher},
};

// As in Nova. Aggregates may say otherwise.
constexpr std::array<std::string_view, 3> kNeverNegative = {"pci_weight_multiplier",
                                                            "soft_affinity_weight_multiplier",
                                                            "soft_anti_affinity_weight_multiplier"};

// Nova's option names classes by their path: the last part is the class.
constexpr std::string_view kAllWeighers = "nova.scheduler.weights.all_weighers";

std::vector<std::string> ClassNames(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const auto& path : paths) {
    if (path == kAllWeighers) {
      const auto all = DefaultWeighers();
      names.insert(names.end(), all.begin(), all.end());
    } else {
      names.push_back(path.starts_with("nova.") ? path.substr(path.rfind('.') + 1) : path);
    }
  }
  return names;
}

Status Invalid(std::string_view name, const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid, message,
               {{"weigher", std::string(name)}});
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Status CheckMultipliers(const WeigherOptions& options) {
  for (const auto& [option, multiplier] : options.multipliers) {
    if (std::ranges::find(kWeighers, option, &Entry::option) == kWeighers.end()) {
      return Invalid(option, "no weigher has the option " + option);
    }
    if (!std::isfinite(multiplier)) return Invalid(option, option + " must be a finite number");
    if (multiplier < 0 && std::ranges::find(kNeverNegative, option) != kNeverNegative.end()) {
      return Invalid(option, option + " must not be negative");
    }
  }
  return OkStatus();
}

}  // namespace

std::vector<std::string> KnownWeighers() {
  std::vector<std::string> names;
  names.reserve(std::size(kWeighers));
  for (const auto& entry : kWeighers) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> DefaultWeighers() {
  std::vector<std::string> names;
  for (const auto& entry : kWeighers) {
    if (entry.by_default == Default::kOn) names.emplace_back(entry.name);
  }
  return names;
}

Expected<std::vector<std::unique_ptr<core::Weigher>>> MakeWeighers(
    const std::vector<std::string>& names, const WeigherOptions& options) {
  RETURN_IF_ERROR(CheckMultipliers(options));
  std::vector<std::unique_ptr<core::Weigher>> weighers;
  for (const auto& name : ClassNames(names)) {
    const auto entry = std::ranges::find(kWeighers, name, &Entry::name);
    if (entry == kWeighers.end()) {
      return Invalid(name, "unknown weigher " + name + "; known are " + Joined(KnownWeighers()));
    }
    const bool twice = std::ranges::any_of(
        weighers, [&](const auto& weigher) { return weigher->Name() == entry->name; });
    if (twice) return Invalid(name, "weigher " + name + " is named twice");
    const auto configured = options.multipliers.find(entry->option);
    weighers.push_back(entry->make(
        configured == options.multipliers.end() ? entry->default_multiplier : configured->second,
        options));
  }
  return weighers;
}

}  // namespace kilonova::scheduler::weighers
