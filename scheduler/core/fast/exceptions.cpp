// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/exceptions.h"

#include <algorithm>

namespace kilonova::scheduler::core::fast {

void RequestJudge::Start(const Fleet& fleet, RequestClass& of) {
  fleet_ = &fleet;
  for (const HostIndex host : left_out_) is_left_out_[host] = 0;
  left_out_.clear();
  is_left_out_.resize(fleet.Slots(), 0);
  judging_.clear();
  marks_ = 0;
  Add(of);
}

void RequestJudge::Add(RequestClass& of) {
  if (of.own.empty() || std::ranges::find(judging_, &of) != judging_.end()) return;
  judging_.push_back(&of);
  marks_ |= of.answers;
}

void RequestJudge::LeaveOut(HostIndex host) {
  if (is_left_out_[host] != 0) return;
  is_left_out_[host] = 1;
  left_out_.push_back(host);
}

bool RequestJudge::Accepts(HostIndex host) {
  return is_left_out_[host] == 0 && std::ranges::all_of(judging_, [&](RequestClass* of) {
           return classes_.Accepts(*fleet_, *of, host);
         });
}

std::optional<std::vector<HostIndex>> HostsAskedFor(const Fleet& fleet,
                                                    const PlacementRequest& request) {
  if (request.requested_destination && !request.requested_destination->host.empty()) {
    std::vector<HostIndex> hosts;
    if (const auto host = fleet.Find(request.requested_destination->host)) hosts.push_back(*host);
    return hosts;
  }
  if (!request.forced_host.empty()) return fleet.FindAnyCase(request.forced_host);
  if (!request.forced_node.empty()) return fleet.FindNode(request.forced_node);
  return std::nullopt;
}

}  // namespace kilonova::scheduler::core::fast
