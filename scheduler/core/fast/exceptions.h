// SPDX-License-Identifier: Apache-2.0
// What a request says of hosts beyond what its class says: hosts it leaves out, by name or for the
// instances there, and hosts that count otherwise for the members of its group they have.
#pragma once

#include <optional>
#include <vector>

#include "scheduler/core/fast/request_classes.h"
#include "scheduler/core/fast/search.h"
#include "scheduler/core/group_places.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core::fast {

// Judges hosts that are in trees, all but those that are left out. Several classes must agree.
class RequestJudge : public HostJudge {
 public:
  explicit RequestJudge(RequestClasses& classes) : classes_(classes) {}
  void Start(const Fleet& fleet, RequestClass& of);
  void Add(RequestClass& of);
  void LeaveOut(HostIndex host);

  bool Accepts(HostIndex host) override;
  std::uint64_t Marks() const { return marks_; }
  // Nothing to judge.
  bool Empty() const { return judging_.empty() && left_out_.empty(); }

 private:
  RequestClasses& classes_;
  const Fleet* fleet_ = nullptr;
  std::vector<RequestClass*> judging_;
  std::uint64_t marks_ = 0;
  std::vector<std::uint8_t> is_left_out_;  // by host
  std::vector<HostIndex> left_out_;
};

// A request as its filters and weighers see it, besides its class.
struct Exceptions {
  PreparedPipeline prepared;           // empty when nothing needs it
  std::vector<Weighed> weighers;       // the class's, and those of members
  std::vector<double> per_member;      // by weigher
  std::optional<GroupPlaces> members;  // when some weigher counts them
};

// The only hosts a request may be placed on, if it names them itself: others are not looked at. May
// hold some it would not take.
std::optional<std::vector<HostIndex>> HostsAskedFor(const Fleet& fleet,
                                                    const PlacementRequest& request);

}  // namespace kilonova::scheduler::core::fast
