// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/explainer.h"

#include <algorithm>

#include "scheduler/core/placement_check.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core {
namespace {

// A step every host goes through; null `check` passes all.
struct Step {
  std::string name;
  const PreparedFilter* check = nullptr;
};

struct Refused {
  HostIndex host = 0;
  std::size_t step = 0;  // that refused it
  double nearness = 0;
};

// Hosts ignored or passed over for the forced one.
class HostList : public PreparedFilter {
 public:
  explicit HostList(const PlacementRequest& request) : request_(request) {}
  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    std::vector<HostIndex> one{host};
    StripHosts(fleet, request_, one);
    return one.empty() ? Judgement::kRefuse : Judgement::kPass;
  }
  Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const override {
    StripHosts(fleet, request_, hosts);
    return OkStatus();
  }
  void Describe(const Fleet& fleet, HostIndex host, FilterVerdict& verdict) const override {
    verdict.have = fleet.Record(host).host;
    verdict.need = "a host not tried before";
    if (request_.requested_destination && !request_.requested_destination->host.empty()) {
      verdict.need = request_.requested_destination->host;
    }
    if (!request_.forced_node.empty()) verdict.need = "node " + request_.forced_node;
    if (!request_.forced_host.empty()) verdict.need = request_.forced_host;
  }

 private:
  const PlacementRequest& request_;
};

class Explainer {
 public:
  Explainer(const Fleet& fleet, std::vector<Step> steps)
      : fleet_(fleet), steps_(std::move(steps)) {}

  Status Judge(std::vector<HostIndex> hosts, Explanation& out) {
    out.hosts = static_cast<std::int64_t>(hosts.size());
    std::vector<HostIndex> before;
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      if (steps_[s].check != nullptr) {
        before = hosts;
        RETURN_IF_ERROR(steps_[s].check->Keep(fleet_, hosts));
        NoteRefused(s, before, hosts);
      }
      const auto left = static_cast<std::int64_t>(hosts.size());
      const std::int64_t came = out.filters.empty() ? out.hosts : out.filters.back().left;
      out.filters.push_back({steps_[s].name, came - left, left});
    }
    out.passed = static_cast<std::int64_t>(hosts.size());
    passed_ = std::move(hosts);
    return OkStatus();
  }

  const std::vector<HostIndex>& passed() const { return passed_; }
  HostExplanation Describe(HostIndex host, std::size_t last_step, bool passed) const {
    HostExplanation explanation;
    explanation.host = fleet_.Record(host).host;
    explanation.passed = passed;
    for (std::size_t s = 0; s < steps_.size() && s <= last_step; ++s) {
      FilterVerdict verdict;
      verdict.filter = steps_[s].name;
      verdict.passed = passed || s < last_step;
      if (steps_[s].check != nullptr) steps_[s].check->Describe(fleet_, host, verdict);
      explanation.verdicts.push_back(std::move(verdict));
    }
    return explanation;
  }
  std::size_t steps() const { return steps_.size(); }

  // The `most` refused hosts that got furthest, nearest first.
  std::vector<Refused> NearMisses(std::size_t most) {
    const auto nearer = [](const Refused& a, const Refused& b) {
      if (a.step != b.step) return a.step > b.step;
      return a.nearness != b.nearness ? a.nearness > b.nearness : a.host < b.host;
    };
    const auto end =
        refused_.begin() + static_cast<std::ptrdiff_t>(std::min(most, refused_.size()));
    std::partial_sort(refused_.begin(), end, refused_.end(), nearer);
    return {refused_.begin(), end};
  }

 private:
  void NoteRefused(std::size_t step, const std::vector<HostIndex>& before,
                   const std::vector<HostIndex>& after) {
    auto kept = after.begin();
    for (const HostIndex host : before) {
      if (kept != after.end() && *kept == host) {
        ++kept;
      } else {
        refused_.push_back({host, step, steps_[step].check->Nearness(fleet_, host)});
      }
    }
  }

  const Fleet& fleet_;
  std::vector<Step> steps_;
  std::vector<HostIndex> passed_;
  std::vector<Refused> refused_;
};

// "No host of 12 can take it: Placement refused 9, ComputeFilter 3. Nearest: cn-3 (Placement: has
// MEMORY_MB 512 free of 2048, needs MEMORY_MB 4096)."
std::string Summary(const Explanation& explanation) {
  if (explanation.hosts == 0) return "There are no hosts.";
  const std::string all = std::to_string(explanation.hosts);
  if (explanation.passed > 0) {
    std::string text = std::to_string(explanation.passed) + " of " + all + " hosts can take it";
    if (!explanation.explanations.empty()) {
      text += "; best is " + explanation.explanations.front().host;
    }
    return text + ".";
  }
  std::string refusals;
  for (const auto& count : explanation.filters) {
    if (count.refused == 0) continue;
    refusals +=
        (refusals.empty() ? "" : ", ") + count.filter + " refused " + std::to_string(count.refused);
  }
  std::string text = "No host of " + all + " can take it: " + refusals + ".";
  if (explanation.explanations.empty()) return text;
  const HostExplanation& nearest = explanation.explanations.front();
  const FilterVerdict& verdict = nearest.verdicts.back();
  return text + " Nearest: " + nearest.host + " (" + verdict.filter + ": has " + verdict.have +
         ", needs " + verdict.need + ").";
}

std::vector<Step> StepsOf(const PlacementRequest& request, const PreparedPipeline& prepared,
                          const PlacementCheck& placement, const HostList& list) {
  std::vector<Step> steps;
  steps.push_back({std::string(kPlacementFilter), &placement});
  const bool destined =
      request.requested_destination && !request.requested_destination->host.empty();
  if (!request.ignore_hosts.empty() || !request.forced_host.empty() ||
      !request.forced_node.empty() || destined) {
    steps.push_back({"HostList", &list});
  }
  if (prepared.skip) return steps;
  for (const auto& stage : prepared.stages) {
    steps.push_back({std::string(stage.filter->Name()), stage.prepared.get()});
  }
  return steps;
}

}  // namespace

Expected<Explanation> ExplainRequest(const Fleet& fleet, const Pipeline& pipeline,
                                     const PlacementRequest& request,
                                     const PlacementCheck& placement, Scorer& scorer,
                                     std::size_t most_hosts) {
  ASSIGN_OR_RETURN(const PreparedPipeline prepared, Prepare(pipeline, fleet, request));
  const HostList list(request);
  Explainer explainer(fleet, StepsOf(request, prepared, placement, list));
  Explanation out;
  RETURN_IF_ERROR(explainer.Judge(AllHosts(fleet), out));

  const auto& passed = explainer.passed();
  RETURN_IF_ERROR(scorer.Check(fleet, passed));
  const std::vector<double> totals = scorer.Totals(fleet, request, passed);
  const auto details = scorer.Details(fleet, request, passed);
  std::vector<HostIndex> positions(passed.size());
  for (HostIndex i = 0; i < positions.size(); ++i) positions[i] = i;
  for (const HostIndex i : BestOf(positions, totals, most_hosts)) {
    HostExplanation host = explainer.Describe(passed[i], explainer.steps(), true);
    for (std::size_t w = 0; w < details.size(); ++w) {
      host.weights.push_back({std::string(pipeline.weighers[w]->Name()), details[w].raw[i],
                              details[w].normalized[i], details[w].multiplier[i]});
    }
    host.total_weight = totals[i];
    out.explanations.push_back(std::move(host));
  }
  for (const Refused& refused : explainer.NearMisses(most_hosts - out.explanations.size())) {
    out.explanations.push_back(explainer.Describe(refused.host, refused.step, false));
  }
  out.summary = Summary(out);
  return out;
}

}  // namespace kilonova::scheduler::core
