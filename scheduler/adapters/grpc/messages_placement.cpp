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
  for (const core::Remedy& remedy : explanation.remedies) {
    auto* to = out->add_remedies();
    to->set_kind(remedy.kind);
    to->set_change(remedy.change);
    to->set_host(remedy.host);
    to->set_hosts(remedy.hosts);
  }
  // The least telling go first when the whole would not fit into a message.
  constexpr std::size_t kMostBytes = 3 << 20;
  while (out->ByteSizeLong() > kMostBytes && out->explanations_size() > 1) {
    const int kept = out->explanations_size() / 2;
    out->mutable_explanations()->DeleteSubrange(kept, out->explanations_size() - kept);
  }
}

void ToProto(const std::vector<core::Conductor::FlavorRoom>& rooms, bool per_host,
             v1::WhatFitsResponse* out) {
  constexpr std::size_t kMostHosts = 1000;
  for (const auto& room : rooms) {
    auto* to = out->add_flavors();
    to->set_flavorid(room.flavorid);
    to->set_name(room.name);
    to->set_count(room.room.count);
    to->set_hosts(static_cast<std::int64_t>(room.room.hosts.size()));
    for (const auto& [name, counts] : room.zones) {
      auto* zone = to->add_zones();
      zone->set_zone(name);
      zone->set_count(counts.first);
      zone->set_hosts(counts.second);
    }
    if (!per_host) continue;
    for (const auto& host : room.room.hosts) {
      if (static_cast<std::size_t>(to->per_host_size()) == kMostHosts / rooms.size() + 1) break;
      auto* one = to->add_per_host();
      one->set_host(host.host);
      one->set_count(host.count);
    }
  }
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
