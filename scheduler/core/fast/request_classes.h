// SPDX-License-Identifier: Apache-2.0
// Requests that ask the same of a host, told apart from others once: which trees of hosts pass the
// filters, what room is needed, and which filters judge hosts one by one. What a request says of
// other instances and of hosts by name is no part of its class.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "scheduler/core/fast/host_points.h"
#include "scheduler/core/fast/search.h"
#include "scheduler/core/placement_check.h"
#include "scheduler/core/placement_rules.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core::fast {

struct RequestClass {
  PlacementRequest request;  // what the class has in common
  Fleet::FootprintId footprint = 0;
  bool searchable = false;    // else every host is to be looked at
  bool no_inventory = false;  // wants what no host ever had, inventory or hardware
  bool more_needs = false;    // the footprint is more than `needs`
  std::vector<Need> needs;
  std::vector<Weighed> weighers;
  std::vector<std::uint8_t> passes;  // by tree
  std::vector<HostIndex> seeds;      // of the search for extremes
  std::uint64_t version = UINT64_MAX;
  std::uint64_t judged = 0;                  // counts how often trees were
  bool one_cell = true;                      // all hosts of the trees that pass
  std::optional<std::uint32_t> multipliers;  // of all these trees, if they are the same

  // ---- how often it comes, and its list of contenders
  std::uint64_t serial = 0;  // unlike that of any other class ever
  std::uint64_t came_at = 0, came_after = 0;
  std::size_t list = 0;
  std::size_t leaves_seen = 0;  // by the search that filled its list last

  // ---- what judges hosts one by one
  PreparedPipeline prepared;
  std::vector<const PreparedFilter*> own;  // some of `prepared`, and `rules`
  HardwareJudges hardware;                 // whether these are among them
  std::optional<PlacementRules> rules;     // when they do
  // Some host may serve it by more than itself; this judges, then.
  bool by_providers = false;
  std::optional<PlacementCheck> providers;
  // What was shared when hosts were judged, and whether there was room for any answer.
  std::uint64_t shared_version = 0, pools_version = 0;
  bool shared_have_room = false;
  bool may_raise = false;     // some host may make one of them raise
  std::uint64_t answers = 0;  // the bit HostPoints keeps them under; 0: none yet
  // Whose those answers are, if it is another's: its hosts are judged alike.
  RequestClass* judged_as = nullptr;
  std::uint64_t used_at = 0;       // when it was last asked for
  std::uint64_t judged_until = 0;  // all hosts: how long the log of changes was
  absl::flat_hash_set<HostIndex> raisers;
};

// Of both a class and a request: the same but for where a guest is pinned already.
bool SameNuma(const std::optional<hardware::InstanceNumaTopology>& a,
              const std::optional<hardware::InstanceNumaTopology>& b);

class RequestClasses {
 public:
  RequestClasses(const Pipeline& pipeline, HostPoints& points)
      : pipeline_(pipeline), points_(points) {}

  // Null when the request is one every host must be looked at for, which also tells what is wrong
  // with it. The points are in step with the fleet; so is the answer until the fleet changes.
  RequestClass* Find(Fleet& fleet, const PlacementRequest& request);
  // The same while instances of one request are placed: of those found since the last Find all stay
  // good. Nothing but claims changed meanwhile.
  RequestClass* FindAnother(Fleet& fleet, const PlacementRequest& request,
                            Fleet::FootprintId footprint);

  // Whether the filters that judge hosts one by one pass this one, which is in a tree.
  bool Accepts(const Fleet& fleet, RequestClass& of, HostIndex host);

 private:
  void Clear(Fleet& fleet);
  RequestClass* Known(const PlacementRequest& request, bool by_providers);
  RequestClass* Add(const PlacementRequest& request, bool by_providers,
                    Fleet::FootprintId footprint);
  bool Update(const Fleet& fleet, RequestClass& of);
  // False when the filters have an error to tell.
  bool JudgeTrees(const Fleet& fleet, RequestClass& of);
  bool JudgeTree(const Fleet& fleet, const PlacementRules& rules, BoxForest::Tree tree,
                 RequestClass& of) const;
  void Compare(RequestClass& of) const;
  bool Weighers(const Fleet& fleet, RequestClass& of) const;
  void Needs(const Fleet& fleet, RequestClass& of) const;
  void NeedsOfRoot(const Fleet& fleet, RequestClass& of) const;
  // Forgets what hosts said when it may be something else for what is shared by now.
  void KeepUpWithShared(const Fleet& fleet, RequestClass& of);
  // Gives the class a bit for its answers: that of a class that has the same, or one of its own,
  // which may be another's until now.
  void TakeAnswers(RequestClass& of);
  void EndAnswers(std::size_t at);
  // Judges all hosts that are not judged yet; false when one raises.
  bool JudgeAll(const Fleet& fleet, RequestClass& of);

  static constexpr std::size_t kAnswers = 64;
  const Pipeline& pipeline_;
  HostPoints& points_;
  std::uint64_t generation_ = UINT64_MAX;
  absl::flat_hash_map<std::size_t, std::vector<std::unique_ptr<RequestClass>>> classes_;
  std::size_t count_ = 0;
  std::uint64_t serials_ = 0;
  std::vector<RequestClass*> holders_;  // of the answers, by bit
  std::uint64_t now_ = 0;               // counts Finds
};

}  // namespace kilonova::scheduler::core::fast
