// SPDX-License-Identifier: Apache-2.0
// Requests that ask the same of a host, told apart from others once: which trees of hosts pass the
// filters, and what room is needed.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "scheduler/core/fast/host_points.h"
#include "scheduler/core/fast/search.h"
#include "scheduler/core/selector.h"

namespace kilonova::scheduler::core::fast {

struct RequestClass {
  PlacementRequest request;  // without instances
  Fleet::FootprintId footprint = 0;
  bool searchable = false;    // else every host is to be looked at
  bool once = true;           // no filter judges anew for a further instance
  bool no_inventory = false;  // wants what no host ever had
  bool more_needs = false;    // the footprint is more than `needs`
  std::vector<Need> needs;
  std::vector<Weighed> weighers;
  std::vector<std::uint8_t> passes;  // by tree
  std::vector<HostIndex> seeds;      // of the search for extremes
  std::uint64_t version = UINT64_MAX;
};

class RequestClasses {
 public:
  RequestClasses(const Pipeline& pipeline, HostPoints& points)
      : pipeline_(pipeline), points_(points) {}

  // Null when the request is one every host must be looked at for, which also tells what is wrong
  // with it. The points are in step with the fleet; so is the answer until the fleet changes.
  RequestClass* Find(Fleet& fleet, const PlacementRequest& request);

 private:
  void Clear(Fleet& fleet);
  std::unique_ptr<RequestClass> Make(Fleet& fleet, const PlacementRequest& request);
  // False when the filters have an error to tell.
  bool JudgeTrees(const Fleet& fleet, RequestClass& of);
  bool Weighers(const Fleet& fleet, RequestClass& of) const;
  void Needs(const Fleet& fleet, RequestClass& of) const;

  const Pipeline& pipeline_;
  HostPoints& points_;
  std::uint64_t generation_ = UINT64_MAX;
  absl::flat_hash_map<std::size_t, std::vector<std::unique_ptr<RequestClass>>> classes_;
  std::size_t count_ = 0;
};

}  // namespace kilonova::scheduler::core::fast
