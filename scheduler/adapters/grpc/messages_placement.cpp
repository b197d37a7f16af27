// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/placement.pb.h>

#include "scheduler/adapters/grpc/messages.h"

namespace kilonova::scheduler::adapters::grpc {

void ToProto(const core::Explanation& explanation, v1::ExplainResponse* out) {
  out->set_hosts(explanation.hosts);
  out->set_passed(explanation.passed);
  for (const core::FilterCount& count : explanation.filters) {
    auto* to = out->add_filters();
    to->set_filter(count.filter);
    to->set_refused(count.refused);
    to->set_left(count.left);
  }
  for (const core::HostExplanation& host : explanation.explanations) {
    auto* to = out->add_explanations();
    to->set_host(host.host);
    to->set_passed(host.passed);
    to->set_total_weight(host.total_weight);
    for (const core::FilterVerdict& verdict : host.verdicts) {
      auto* v = to->add_verdicts();
      v->set_filter(verdict.filter);
      v->set_passed(verdict.passed);
      v->set_have(verdict.have);
      v->set_need(verdict.need);
    }
    for (const core::WeighedValue& weight : host.weights) {
      auto* w = to->add_weights();
      w->set_weigher(weight.weigher);
      w->set_raw(weight.raw);
      w->set_normalized(weight.normalized);
      w->set_multiplier(weight.multiplier);
    }
  }
  out->set_summary(explanation.summary);
}

void ToProto(const core::PlaceResult& result, v1::DryRunResponse* out) {
  for (const core::Selection& selection : result.selections) {
    auto* to = out->add_placements();
    to->set_host(selection.chosen.host);
    for (const core::HostRef& alternate : selection.alternates) to->add_alternates(alternate.host);
  }
  out->set_summary(result.placed() ? std::to_string(result.selections.size()) + " placed"
                                   : result.refusal.summary);
}

}  // namespace kilonova::scheduler::adapters::grpc
