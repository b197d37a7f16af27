// SPDX-License-Identifier: Apache-2.0
// AvailabilityZoneFilter: hosts in the zone asked for. A host's zones are those its aggregates
// name, else the one it is configured with, else the cloud's default.
#include <algorithm>

#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

class PreparedZoneFilter : public core::PreparedFilter {
 public:
  // Hosts share few sets of zones: judge each set once.
  PreparedZoneFilter(const Fleet& fleet, std::string zone, std::string default_zone)
      : zone_(std::move(zone)), default_zone_(std::move(default_zone)) {
    for (std::uint32_t id = 0; id < fleet.zone_sets.Size(); ++id) {
      const auto* zones = fleet.zone_sets.Find(id);
      passes_.push_back(zones != nullptr && InZone(*zones) ? 1 : 0);
    }
  }

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    return passes_[fleet.zones[host]] != 0 ? Judgement::kPass : Judgement::kRefuse;
  }

  Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const override {
    const std::uint32_t* zones = fleet.zones.data();
    const std::uint8_t* passes = passes_.data();
    core::KeepIf(hosts, [zones, passes](HostIndex host) { return passes[zones[host]] != 0; });
    return OkStatus();
  }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    verdict.need = "zone " + zone_;
    const core::Words& zones = fleet.zone_sets[fleet.zones[host]];
    verdict.have = zones.empty() ? "zone " + default_zone_ : "zone";
    for (const auto& zone : zones) verdict.have += " " + zone;
  }

 private:
  bool InZone(const core::Words& zones) const {
    if (zones.empty()) return zone_ == default_zone_;
    return std::ranges::find(zones, zone_) != zones.end();
  }

  std::string zone_, default_zone_;
  std::vector<std::uint8_t> passes_;
};

class AvailabilityZoneFilter : public core::Filter {
 public:
  explicit AvailabilityZoneFilter(std::string default_zone)
      : default_zone_(std::move(default_zone)) {}
  std::string_view Name() const override { return "AvailabilityZoneFilter"; }
  core::HostParts Reads() const override { return core::kZonesPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& fleet, const core::PlacementRequest& request) const override {
    if (request.availability_zone.empty()) return nullptr;
    return std::make_unique<PreparedZoneFilter>(fleet, request.availability_zone, default_zone_);
  }

 private:
  std::string default_zone_;
};

}  // namespace

std::unique_ptr<core::Filter> MakeAvailabilityZoneFilter(const FilterOptions& options) {
  return std::make_unique<AvailabilityZoneFilter>(options.default_availability_zone);
}

}  // namespace kilonova::scheduler::filters
