// SPDX-License-Identifier: Apache-2.0
#include "scheduler/weighers/weighers.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "scheduler/weighers/factories.h"

namespace kilonova::scheduler::weighers {
namespace {

struct Entry {
  std::string_view name;
  std::string_view option;
  double default_multiplier;
  std::unique_ptr<core::Weigher> (*make)(double multiplier);
};

constexpr std::array kWeighers = {
    Entry{"BalanceWeigher", "balance_weight_multiplier", 1.0, MakeBalanceWeigher},
    Entry{"CPUWeigher", "cpu_weight_multiplier", 1.0, MakeCpuWeigher},
    Entry{"DiskWeigher", "disk_weight_multiplier", 1.0, MakeDiskWeigher},
    Entry{"RAMWeigher", "ram_weight_multiplier", 1.0, MakeRamWeigher},
};

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
  }
  return OkStatus();
}

}  // namespace

std::vector<std::string> KnownWeighers() {
  std::vector<std::string> names;
  for (const auto& entry : kWeighers) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> DefaultWeighers() {
  auto names = KnownWeighers();
  std::erase(names, "BalanceWeigher");  // not Nova's
  return names;
}

Expected<std::vector<std::unique_ptr<core::Weigher>>> MakeWeighers(
    const std::vector<std::string>& names, const WeigherOptions& options) {
  RETURN_IF_ERROR(CheckMultipliers(options));
  std::vector<std::unique_ptr<core::Weigher>> weighers;
  for (const auto& name : names) {
    const auto entry = std::ranges::find(kWeighers, name, &Entry::name);
    if (entry == kWeighers.end()) {
      return Invalid(name, "unknown weigher " + name + "; known are " + Joined(KnownWeighers()));
    }
    const bool twice = std::ranges::any_of(
        weighers, [&](const auto& weigher) { return weigher->Name() == entry->name; });
    if (twice) return Invalid(name, "weigher " + name + " is named twice");
    const auto configured = options.multipliers.find(entry->option);
    weighers.push_back(entry->make(
        configured == options.multipliers.end() ? entry->default_multiplier : configured->second));
  }
  return weighers;
}

}  // namespace kilonova::scheduler::weighers
