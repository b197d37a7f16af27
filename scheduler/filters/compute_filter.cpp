// SPDX-License-Identifier: Apache-2.0
// ComputeFilter: hosts that are enabled and up.
#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

constexpr std::uint8_t kReady = Fleet::kUp | Fleet::kEnabled;

class PreparedComputeFilter : public core::PreparedFilter {
 public:
  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    return (fleet.flags[host] & kReady) == kReady ? Judgement::kPass : Judgement::kRefuse;
  }

  Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const override {
    const std::uint8_t* flags = fleet.flags.data();
    core::KeepIf(hosts, [flags](HostIndex host) { return (flags[host] & kReady) == kReady; });
    return OkStatus();
  }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    verdict.need = "enabled and up";
    if ((fleet.flags[host] & Fleet::kEnabled) == 0) {
      const auto& why = fleet.Record(host).disabled_reason;
      verdict.have = why.empty() ? "disabled" : "disabled: " + why;
    } else {
      verdict.have = (fleet.flags[host] & Fleet::kUp) != 0 ? "enabled and up" : "down";
    }
  }
};

class ComputeFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "ComputeFilter"; }
  core::HostParts Reads() const override { return core::kFlagsPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& /*fleet*/, const core::PlacementRequest& /*request*/) const override {
    return std::make_unique<PreparedComputeFilter>();
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeComputeFilter(const FilterOptions& /*options*/) {
  return std::make_unique<ComputeFilter>();
}

}  // namespace kilonova::scheduler::filters
