// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/selector.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/ascii.h>

#include <algorithm>
#include <cmath>

namespace kilonova::scheduler::core {
namespace {

std::string Lower(const std::string& name) { return absl::AsciiStrToLower(name); }

}  // namespace

std::vector<HostIndex> AllHosts(const Fleet& fleet) {
  std::vector<HostIndex> hosts;
  hosts.reserve(fleet.Count());
  for (HostIndex host = 0; host < fleet.Slots(); ++host) {
    if ((fleet.flags[host] & Fleet::kPresent) != 0) hosts.push_back(host);
  }
  return hosts;
}

namespace {

bool SkipsFilters(const PlacementRequest& request) {
  const bool forced = !request.forced_host.empty() || !request.forced_node.empty();
  return forced && request.check_type == CheckType::kNone;
}

}  // namespace

bool LimitsNuma(const Pipeline& pipeline, const PlacementRequest& request) {
  return !SkipsFilters(request) && request.check_type != CheckType::kRebuild &&
         std::ranges::any_of(pipeline.filters, [](const auto& filter) {
           return filter->Name() == "NUMATopologyFilter";
         });
}

Expected<PreparedPipeline> Prepare(const Pipeline& pipeline, const Fleet& fleet,
                                   const PlacementRequest& request) {
  PreparedPipeline prepared;
  const bool rebuild = request.check_type == CheckType::kRebuild;
  prepared.skip = SkipsFilters(request);
  for (const auto& filter : pipeline.filters) {
    PreparedPipeline::Stage stage;
    stage.filter = filter.get();
    if (!prepared.skip && (!rebuild || filter->RunsOnRebuild())) {
      ASSIGN_OR_RETURN(stage.prepared, filter->Prepare(fleet, request));
    }
    prepared.stages.push_back(std::move(stage));
  }
  return prepared;
}

void StripHosts(const Fleet& fleet, const PlacementRequest& request,
                std::vector<HostIndex>& hosts) {
  if (request.requested_destination && !request.requested_destination->host.empty()) {
    const RequestedDestination& wanted = *request.requested_destination;
    std::erase_if(hosts, [&](HostIndex host) {
      const HostRecord& record = fleet.Record(host);
      return record.host != wanted.host || (!wanted.node.empty() && record.node != wanted.node);
    });
  }
  if (!request.ignore_hosts.empty()) {
    absl::flat_hash_set<std::string> ignored;
    for (const auto& name : request.ignore_hosts) ignored.insert(Lower(name));
    std::erase_if(hosts,
                  [&](HostIndex host) { return ignored.contains(Lower(fleet.Record(host).host)); });
  }
  if (!request.forced_host.empty()) {
    const std::string forced = Lower(request.forced_host);
    std::erase_if(hosts, [&](HostIndex host) { return Lower(fleet.Record(host).host) != forced; });
  }
  if (!request.forced_node.empty()) {
    std::erase_if(hosts,
                  [&](HostIndex host) { return fleet.Record(host).node != request.forced_node; });
  }
}

Status Selector::Filter(const Fleet& fleet, const PreparedPipeline& prepared, std::size_t round,
                        std::vector<HostIndex>& hosts) const {
  for (const auto& stage : prepared.stages) {
    if (hosts.empty()) break;
    if (!stage.prepared || (round > 0 && stage.filter->OncePerRequest())) continue;
    if (round > 0) stage.prepared->Refresh(fleet);
    RETURN_IF_ERROR(stage.prepared->Keep(fleet, hosts));
  }
  return OkStatus();
}

std::size_t Selector::DrawChosen(std::size_t hosts) {
  const std::size_t subset = std::min(std::max<std::size_t>(pipeline_.host_subset_size, 1), hosts);
  return subset <= 1 ? 0 : static_cast<std::size_t>(random_() % subset);
}

void Selector::ShuffleBest(std::vector<HostIndex>& hosts, const std::vector<double>& totals) {
  if (!pipeline_.shuffle_best) return;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (std::isnan(totals[i]) || (!places.empty() && totals[i] < totals[places[0]])) continue;
    if (!places.empty() && totals[i] > totals[places[0]]) places.clear();
    places.push_back(i);
  }
  std::vector<HostIndex> best;
  best.reserve(places.size());
  for (const std::size_t place : places) best.push_back(hosts[place]);
  Shuffle(std::span(best));
  for (std::size_t i = 0; i < best.size(); ++i) hosts[places[i]] = best[i];
}

std::vector<HostIndex> Selector::Order(const std::vector<HostIndex>& hosts,
                                       const std::vector<double>& totals, std::size_t wanted,
                                       std::size_t chosen) const {
  std::vector<HostIndex> ordered = BestOf(hosts, totals, std::max(wanted, chosen + 1));
  const auto first = static_cast<std::ptrdiff_t>(chosen);
  if (chosen > 0)
    std::rotate(ordered.begin(), ordered.begin() + first, ordered.begin() + first + 1);
  return ordered;
}

Expected<Picks> Selector::Select(const Fleet& fleet, const PlacementRequest& request,
                                 std::vector<HostIndex> hosts, std::size_t alternates,
                                 TryClaim try_claim, MayStandBy may_stand_by) {
  ASSIGN_OR_RETURN(const PreparedPipeline prepared, Prepare(pipeline_, fleet, request));
  StripHosts(fleet, request, hosts);
  Picks result;
  if (request.instances.size() == 1) {
    RETURN_IF_ERROR(SelectOne(fleet, request, prepared, std::move(hosts), alternates, try_claim,
                              may_stand_by, result));
  } else {
    RETURN_IF_ERROR(SelectMany(fleet, request, prepared, std::move(hosts), alternates, try_claim,
                               may_stand_by, result));
  }
  return result;
}

// One instance needs a few of the best hosts only, not a sorted fleet; should those not do, all.
Status Selector::SelectOne(const Fleet& fleet, const PlacementRequest& request,
                           const PreparedPipeline& prepared, std::vector<HostIndex> hosts,
                           std::size_t alternates, TryClaim try_claim, MayStandBy may_stand_by,
                           Picks& result) {
  RETURN_IF_ERROR(Filter(fleet, prepared, 0, hosts));
  if (hosts.empty()) return OkStatus();
  RETURN_IF_ERROR(scorer_.Check(fleet, hosts));
  const std::vector<double>& totals = scorer_.Totals(fleet, request, hosts);
  ShuffleBest(hosts, totals);
  const std::size_t chosen = DrawChosen(hosts.size());
  for (std::size_t wanted = alternates + 14;; wanted = hosts.size()) {
    const auto ordered = Order(hosts, totals, wanted, chosen);
    if (result.picks.empty()) {
      const auto claimed =
          std::ranges::find_if(ordered, [&](HostIndex host) { return try_claim(0, host); });
      if (claimed != ordered.end()) result.picks.push_back({*claimed, {}});
    }
    result.complete = !result.picks.empty();
    if (result.complete) {
      result.picks[0].alternates.clear();
      AddAlternates(fleet, ordered, alternates, may_stand_by, result);
    }
    const bool enough = result.complete && result.picks[0].alternates.size() == alternates;
    if (enough || ordered.size() == hosts.size()) return OkStatus();
  }
}

Status Selector::SelectMany(const Fleet& fleet, const PlacementRequest& request,
                            const PreparedPipeline& prepared, std::vector<HostIndex> hosts,
                            std::size_t alternates, TryClaim try_claim, MayStandBy may_stand_by,
                            Picks& result) {
  const std::size_t count = request.instances.size();
  const auto sort = [&](std::size_t round) -> Status {
    RETURN_IF_ERROR(Filter(fleet, prepared, round, hosts));
    if (hosts.empty()) return OkStatus();
    RETURN_IF_ERROR(scorer_.Check(fleet, hosts));
    const auto& totals = scorer_.Totals(fleet, request, hosts);
    ShuffleBest(hosts, totals);
    hosts = Order(hosts, totals, hosts.size(), DrawChosen(hosts.size()));
    return OkStatus();
  };
  for (std::size_t round = 0; round < count; ++round) {
    RETURN_IF_ERROR(sort(round));
    const auto claimed =
        std::ranges::find_if(hosts, [&](HostIndex host) { return try_claim(round, host); });
    if (claimed == hosts.end()) return OkStatus();
    result.picks.push_back({*claimed, {}});
  }
  result.complete = true;
  if (alternates == 0) return OkStatus();
  RETURN_IF_ERROR(sort(count - 1));
  AddAlternates(fleet, hosts, alternates, may_stand_by, result);
  return OkStatus();
}

void Selector::AddAlternates(const Fleet& fleet, const std::vector<HostIndex>& hosts,
                             std::size_t most, MayStandBy may_stand_by, Picks& picks) const {
  absl::flat_hash_set<HostIndex> chosen;
  for (const auto& pick : picks.picks) chosen.insert(pick.host);
  for (auto& pick : picks.picks) {
    for (const HostIndex host : hosts) {
      if (pick.alternates.size() >= most) break;
      if (fleet.cell[host] != fleet.cell[pick.host] || chosen.contains(host)) continue;
      if (may_stand_by(host)) pick.alternates.push_back(host);
    }
  }
}

}  // namespace kilonova::scheduler::core
