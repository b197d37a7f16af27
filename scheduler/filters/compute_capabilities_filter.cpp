// SPDX-License-Identifier: Apache-2.0
// ComputeCapabilitiesFilter: hosts that have what the flavor's extra specs ask of them, be it
// "capabilities:cpu_info:topology:cores" = ">= 8" or, without a scope, "free_ram_mb" = ">= 4096".
// Other scopes belong to others and pass.
#include <optional>

#include "scheduler/core/fleet.h"
#include "scheduler/filters/extra_specs_ops.h"
#include "scheduler/filters/factories.h"
#include "scheduler/filters/host_capabilities.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

struct Wish {
  std::string key;
  std::vector<std::string> path;
  bool scoped = false;  // unscoped keys no host knows are none of this filter's business
  Requirement requirement;
};

class PreparedCapabilitiesFilter : public core::PreparedFilter {
 public:
  explicit PreparedCapabilitiesFilter(std::vector<Wish> wishes) : wishes_(std::move(wishes)) {}

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    for (const auto& wish : wishes_) {
      const Judgement judgement = JudgeOne(fleet, host, wish);
      if (judgement != Judgement::kPass) return judgement;
    }
    return Judgement::kPass;
  }

  // The first wish that is not met, or all of them.
  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    for (const auto& wish : wishes_) {
      if (!wish.scoped && !HasCapability(fleet, host, wish.path.front())) continue;
      const auto have = Capability(fleet, host, wish.path).value_or("(nothing)");
      const std::string need = wish.key + " " + wish.requirement.text();
      // Of a host that is refused: what of it does not do.
      if ((JudgeOne(fleet, host, wish) == Judgement::kPass) != verdict.passed) continue;
      verdict.have += (verdict.have.empty() ? "" : ", ") + wish.key + " " + have;
      verdict.need += (verdict.need.empty() ? "" : ", ") + need;
    }
  }

 private:
  static Judgement JudgeOne(const Fleet& fleet, HostIndex host, const Wish& wish) {
    if (!wish.scoped && !HasCapability(fleet, host, wish.path.front())) return Judgement::kPass;
    const auto have = Capability(fleet, host, wish.path);
    if (!have) return Judgement::kRefuse;
    switch (wish.requirement.Match(*have)) {
      case Requirement::Answer::kYes:
        return Judgement::kPass;
      case Requirement::Answer::kNo:
        return Judgement::kRefuse;
      default:
        return Judgement::kError;
    }
  }

  std::vector<Wish> wishes_;  // in the order of the extra specs: an early refusal hides an error
};

std::vector<std::string> SplitColon(std::string_view key) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t colon = key.find(':');
    parts.emplace_back(key.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    key.remove_prefix(colon + 1);
  }
}

class ComputeCapabilitiesFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "ComputeCapabilitiesFilter"; }
  core::HostParts Reads() const override { return core::kOwnPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& /*fleet*/, const core::PlacementRequest& request) const override {
    std::vector<Wish> wishes;
    for (const auto& [key, value] : request.flavor.extra_specs) {
      auto path = SplitColon(key);
      const bool scoped = path.size() > 1;
      if (scoped && path.front() != "capabilities") continue;
      if (scoped) path.erase(path.begin());
      wishes.push_back({key, std::move(path), scoped, Requirement(value)});
    }
    if (wishes.empty()) return nullptr;
    return std::make_unique<PreparedCapabilitiesFilter>(std::move(wishes));
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeComputeCapabilitiesFilter(const FilterOptions& /*options*/) {
  return std::make_unique<ComputeCapabilitiesFilter>();
}

}  // namespace kilonova::scheduler::filters
