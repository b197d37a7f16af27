// SPDX-License-Identifier: Apache-2.0
// A request to place instances and everything that may be answered to it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/hardware/pci_stats.h"
#include "common/hardware/topology.h"
#include "common/model/flavor.h"
#include "common/model/resources.h"
#include "scheduler/core/resource_request/resource_request.h"

namespace kilonova::scheduler::core {

using Hints = std::map<std::string, std::vector<std::string>>;

inline constexpr std::size_t kMostHintValues = 100;  // of one hint, after removal of repetitions

// A server group as the rules read it. Nova's policies: affinity, anti-affinity, soft-affinity and
// soft-anti-affinity.
struct InstanceGroup {
  Uuid uuid;
  std::string policy;
  std::optional<std::int64_t> max_server_per_host;  // the rule of that name
  std::vector<Uuid> members;                        // those of the request included, as in Nova
  std::vector<std::string> hosts;                   // that hold members placed before
};

// Where a move is to go.
struct RequestedDestination {
  std::string host;  // "" = any; only this one is looked at, and the filters still judge it
  std::string node;  // "" = any of that host
  std::string cell;  // uuid of the preferred cell, "" = none
  bool allow_cross_cell_move = false;
};

// Set by the scheduler's own callers alone, never from what a client sends: Nova takes it from a
// hint, _nova_check_type, and so from any tenant (CVE-2026-46448).
enum class CheckType : std::uint8_t {
  kNone,
  kRebuild,  // the instance stays where it is: filters that judge room do not run
  kOther,    // filters judge a forced host too
};

struct PlacementRequest {
  model::Flavor flavor;
  std::string image_id;                                 // "" = none, as with a bootable volume
  std::map<std::string, std::string> image_properties;  // hw_architecture, img_hv_type...
  std::string availability_zone;                        // "" = any
  Hints hints;                                          // as ValidateHints lets them pass
  CheckType check_type = CheckType::kNone;
  std::string forced_host;  // "" = none. Skips the filters as Nova does, never the inventory
  std::string forced_node;  // "" = none. As forced_host, by node
  std::vector<std::string> ignore_hosts;  // failed there already
  std::optional<RequestedDestination> requested_destination;
  std::optional<InstanceGroup> instance_group;
  std::vector<hardware::PciRequest> pci_requests;
  std::optional<hardware::InstanceNumaTopology> numa_topology;  // hardware::NumaConstraints
  std::optional<hardware::NetworkMetadata> network_metadata;  // networks a NUMA guest is to be near
  std::string project_id;
  // What is asked of Placement; null: `resources`. Shared, as requests are copied and it never
  // changes.
  std::shared_ptr<const ResourceRequest> resource_request;
  // Asked for when the first finds no host: Nova lets hosts that have no PCPU serve pinned guests.
  std::shared_ptr<const ResourceRequest> vcpu_fallback;
  model::Resources resources;   // empty = model::ResourcesOf(flavor)
  std::vector<Uuid> instances;  // one per instance wanted, all different
};

// All that an instance takes, by class.
model::Resources ResourcesOf(const PlacementRequest& request);

struct HostRef {
  std::string host;
  std::string node;
  friend bool operator==(const HostRef&, const HostRef&) = default;
};

// Where one instance goes; the claim is held already.
struct Selection {
  Uuid instance;
  HostRef chosen;
  std::vector<HostRef> alternates;  // nothing is claimed on these
  model::Resources resources;
};

struct FilterVerdict {
  std::string filter;  // Nova's name; "Placement" for the inventory check
  bool passed = false;
  std::string have;
  std::string need;
};

struct WeighedValue {
  std::string weigher;
  double raw = 0;
  double normalized = 0;
  double multiplier = 1;
};

struct HostExplanation {
  std::string host;
  bool passed = false;
  std::vector<FilterVerdict> verdicts;  // in order, up to and with the first refusal
  std::vector<WeighedValue> weights;    // of hosts that passed
  double total_weight = 0;
};

struct FilterCount {
  std::string filter;
  std::int64_t refused = 0;
  std::int64_t left = 0;
};

// One change that alone would make a refused request fit.
struct Remedy {
  std::string kind;    // "request": ask otherwise; "capacity", "host": a host otherwise
  std::string change;  // for people
  std::string host;    // that would then take it, or the first of them
  std::int64_t hosts = 0;
  friend bool operator==(const Remedy&, const Remedy&) = default;
};

struct Explanation {
  std::int64_t hosts = 0;  // judged
  std::int64_t passed = 0;
  std::vector<FilterCount> filters;
  std::vector<HostExplanation> explanations;  // best first; then the ones that got furthest
  std::string summary;                        // one sentence, fit for an operator
  std::vector<Remedy> remedies;               // of a refusal, smallest change first
};

// How many more instances would be placed, one after the other.
struct Room {
  struct OnHost {
    std::string host;
    std::int64_t count = 0;
  };
  std::int64_t count = 0;
  std::vector<OnHost> hosts;  // with room for one or more
};

// All instances placed, or none: then `selections` is empty and `refusal` says why.
struct PlaceResult {
  std::vector<Selection> selections;
  Explanation refusal;
  bool placed() const { return !selections.empty(); }
};

// INVALID_ARGUMENT (detail "field": "scheduler_hints.<name>") for a hint this scheduler does not
// know, names beginning with '_' included, and for values that cannot be meant: same_host and
// different_host take instance uuids, at most kMostHintValues different ones; group (a server
// group's uuid), query (core/query_bounds.h), build_near_host_ip and cidr take one. Repetitions are
// removed, order is kept.
Expected<Hints> ValidateHints(const Hints& hints);

}  // namespace kilonova::scheduler::core
