// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/core/cpu_traits.h"
#include "agent/guest/context.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

// The model as libvirt spells it.
Expected<std::string> ModelName(const Context& context, const std::string& model) {
  const bool named = HasWord("i686 x86_64 ppc64 ppc64le ppc", context.config.arch);
  if (!named || context.host.cpu_models.empty()) return model;
  const std::string lower = LowerCase(model);
  const auto at = std::ranges::find(context.host.cpu_models, lower, LowerCase);
  if (at != context.host.cpu_models.end()) return *at;
  return Refuse(reason::kConfigInvalid, "InvalidCPUInfo",
                "libvirt knows no CPU model " + Printable(model), {{"field", "cpu_models"}});
}

// Of an extra spec "trait<group>:<trait>" the trait; "" of any other. Nova reads a group's name as
// Placement does.
std::string_view TraitOf(std::string_view key) {
  constexpr std::string_view kPrefix = "trait";
  const auto colon = key.find(':');
  if (!key.starts_with(kPrefix) || colon == std::string_view::npos) return {};
  const std::string_view group = key.substr(kPrefix.size(), colon - kPrefix.size());
  const bool named = group.size() <= 64 && std::ranges::all_of(group, [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                              (c >= 'a' && c <= 'z') || c == '_' || c == '-';
                     });
  return named ? key.substr(colon + 1) : std::string_view();
}

// CPU features the flavor's required traits stand for.
std::set<std::string> RequiredFeatures(const model::Flavor& flavor) {
  std::set<std::string> features;
  for (const auto& [key, value] : flavor.extra_specs) {
    if (value != "required") continue;
    const std::string feature = core::CpuFeatureOfTrait(TraitOf(key));
    if (!feature.empty()) features.insert(feature);
  }
  return features;
}

// The first of `models` that has them all.
Expected<std::string> MatchingModel(const Context& context, const std::vector<std::string>& models,
                                    const std::set<std::string>& features) {
  for (const std::string& model : models) {
    const auto known = context.host.cpu_model_features.find(model);
    if (known != context.host.cpu_model_features.end() &&
        std::ranges::includes(known->second, features)) {
      return model;
    }
  }
  return Refuse(reason::kFlavorInvalid, "InvalidCPUInfo",
                "no CPU model of this host has the features the flavor's traits require",
                {{"field", "cpu_models"}});
}

std::vector<CpuFeature> ExtraFeatures(const std::vector<std::string>& flags) {
  std::vector<CpuFeature> features;
  for (const std::string& flag : flags) {
    std::string name = LowerCase(flag);
    const char sign = name.starts_with('-') ? '-' : '+';
    name.erase(0, std::min(name.find_first_not_of(sign), name.size()));
    if (std::ranges::find(features, name, &CpuFeature::name) != features.end()) continue;
    features.push_back({std::move(name), sign == '-' ? "disable" : "require"});
  }
  std::ranges::sort(features, {}, &CpuFeature::name);
  return features;
}

Status ChooseModel(const Context& context, Cpu& cpu) {
  const CpuConfig& config = context.config.cpu;
  std::vector<std::string> models;
  for (const std::string& model : config.models) {
    ASSIGN_OR_RETURN(models.emplace_back(), ModelName(context, model));
  }
  cpu.mode = config.mode;
  // libvirt cannot say what an ARM CPU is exactly.
  if (cpu.mode.empty()) cpu.mode = context.arch == "aarch64" ? "host-passthrough" : "host-model";
  if (cpu.mode == "none") {
    cpu.mode.clear();
    return OkStatus();
  }
  if (cpu.mode == "custom" && context.arch == "aarch64" && models.empty()) models = {"max"};
  if (!models.empty()) cpu.model = models.front();
  if (cpu.mode == "custom") {
    const auto features = RequiredFeatures(context.input.flavor);
    if (!features.empty()) {
      ASSIGN_OR_RETURN(cpu.model, MatchingModel(context, models, features));
    }
  }
  cpu.features = ExtraFeatures(config.extra_flags);
  return OkStatus();
}

}  // namespace

Status DescribeCpu(const Context& context, Domain& domain) {
  RETURN_IF_ERROR(ChooseModel(context, domain.cpu));
  ASSIGN_OR_RETURN(domain.cpu.topology, hardware::BestCpuTopology(context.needs));
  if (context.arch != context.config.arch) {  // emulated
    domain.cpu.mode.clear();
    if (context.arch == "aarch64") domain.cpu.model = "cortex-a57";
    if (context.arch == "ppc64le") domain.cpu.model = "POWER8";
  }
  return OkStatus();
}

}  // namespace kilonova::agent::guest
