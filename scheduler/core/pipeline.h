// SPDX-License-Identifier: Apache-2.0
// The seams of the engine: a Filter says which hosts may take a request, a Weigher which of those
// is best. Each rule is one file in scheduler/filters or scheduler/weighers; which rules run, and
// in which order, is configuration. Rules are stateless and read the fleet's columns only; the
// engine calls them under its lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/placement.h"

namespace kilonova::scheduler::core {

class Fleet;
using HostIndex = std::uint32_t;

enum class Judgement : std::uint8_t {
  kPass,
  kRefuse,
  kError,  // the request itself cannot be judged (Nova's filter raises): the placement fails
};

// What of a host a filter's verdict may depend on, besides the request.
using HostParts = std::uint32_t;
inline constexpr HostParts kFlagsPart = 1;       // up, enabled
inline constexpr HostParts kZonesPart = 2;       // availability zones
inline constexpr HostParts kAggregatesPart = 4;  // aggregates and their metadata
inline constexpr HostParts kHypervisorPart = 8;  // type, version, supported instances
inline constexpr HostParts kTraitsPart = 16;     // traits
inline constexpr HostParts kOwnPart = 32;     // all else of the host itself: name, numbers, cells
inline constexpr HostParts kPlacesPart = 64;  // where instances are, as PreparedFilter::Named says
inline constexpr HostParts kAnyPart = 1U << 31U;  // more than these
// Those that many hosts are alike in.
inline constexpr HostParts kSharedParts =
    kFlagsPart | kZonesPart | kAggregatesPart | kHypervisorPart | kTraitsPart;

// What a weigher's raw value of a host may depend on.
enum class WeigherScope : std::uint8_t {
  kAnything,
  kHostAlone,  // the host, whatever the request
  kSame,       // the request: it is the same for all hosts
  kMembers,    // how many members of the request's group the host has: each counts PerMember
};

// Drops the hosts `passes` is false for, keeping the order. Has no branch, as hosts come in no
// pattern.
template <class Passes>
void KeepIf(std::vector<HostIndex>& hosts, Passes passes) {
  HostIndex* out = hosts.data();
  for (const HostIndex host : hosts) {
    *out = host;
    out += passes(host) ? 1 : 0;
  }
  hosts.resize(static_cast<std::size_t>(out - hosts.data()));
}

// A filter with one request resolved into it, so that nothing of the request is parsed per host.
class PreparedFilter {
 public:
  virtual ~PreparedFilter() = default;
  virtual Judgement Judge(const Fleet& fleet, HostIndex host) const = 0;
  // Before each further instance of the request, and before its alternates are chosen: those placed
  // so far hold claims by now. Only for filters that are not once per request.
  virtual void Refresh(const Fleet& /*fleet*/) {}
  // False when no host of this fleet makes Judge say kError. Asked of what reads kOwnPart alone.
  virtual bool MayRaise(const Fleet& /*fleet*/) const { return true; }
  // Of what reads kPlacesPart: all hosts but the named ones are judged as Others says. An instance
  // of the request that is placed changes what is said of its own host, and Others.
  virtual std::vector<HostIndex> Named() const { return {}; }
  virtual Judgement Others() const { return Judgement::kPass; }
  // How close a refused host came, greater is closer; orders the near misses of an explanation.
  virtual double Nearness(const Fleet& /*fleet*/, HostIndex /*host*/) const { return 0; }
  // For people: what the host has and what the request needs, of the verdict just given.
  virtual void Describe(const Fleet& fleet, HostIndex host, FilterVerdict& verdict) const = 0;
  // Keeps the hosts that pass, in order. kError of any host ends it with INVALID_ARGUMENT.
  virtual Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const;
};

class Filter {
 public:
  virtual ~Filter() = default;
  virtual std::string_view Name() const = 0;  // Nova's class name
  // True when the first instance of a request is judged for all of them.
  virtual bool OncePerRequest() const { return true; }
  virtual bool RunsOnRebuild() const { return false; }
  // Verdicts of a filter that reads shared parts alone are given once for all hosts alike in them,
  // when a request like one before comes again; of one that reads kOwnPart, once for a host until
  // it changes. What these read of the request may be anything but `instances`, `instance_group`,
  // hosts by name and hints of places (kOwnPart: of the flavor extra specs alone, no project, no
  // zone), and nothing else of the fleet. kPlacesPart stands alone. No matter when Prepare is null.
  virtual HostParts Reads() const { return kAnyPart; }
  // Null when the request asks nothing of this filter: every host passes. INVALID_ARGUMENT when the
  // request is malformed in what this filter reads.
  virtual Expected<std::unique_ptr<PreparedFilter>> Prepare(
      const Fleet& fleet, const PlacementRequest& request) const = 0;
};

class Weigher {
 public:
  virtual ~Weigher() = default;
  virtual std::string_view Name() const = 0;
  // The aggregate metadata key that overrides the configured multiplier.
  virtual std::string_view MultiplierKey() const = 0;
  virtual double Multiplier() const = 0;  // as configured
  virtual std::optional<double> Minimum() const { return 0.0; }
  virtual std::optional<double> Maximum() const { return std::nullopt; }
  // Of both the configured multiplier and what aggregates say instead: a weigher that counts faults
  // turns it round.
  virtual double MultiplierSign() const { return 1.0; }
  // Not OK when these hosts cannot be weighed (Nova's weigher raises): the placement fails. Asked
  // before Weigh, and only of more than one host: a single host is not weighed.
  virtual Status Check(const Fleet& /*fleet*/, std::span<const HostIndex> /*hosts*/) const {
    return OkStatus();
  }
  // Anything but kAnything lets a request be decided without weighing every host; a weigher whose
  // Check may refuse says kAnything.
  virtual WeigherScope Scope(const PlacementRequest& /*request*/) const {
    return WeigherScope::kAnything;
  }
  // Of a scope kMembers: what a member adds to the raw value, which is 0 without.
  virtual double PerMember() const { return 0; }
  // Whether the fleet has to keep what images its instances are made from (image_tally.h).
  virtual bool ReadsImages() const { return false; }
  // raw[i] for hosts[i], before clamping to Minimum and Maximum.
  virtual void Weigh(const Fleet& fleet, const PlacementRequest& request,
                     std::span<const HostIndex> hosts, std::span<double> raw) const = 0;
};

struct Pipeline {
  std::vector<std::unique_ptr<Filter>> filters;    // in the order they run
  std::vector<std::unique_ptr<Weigher>> weighers;  // in the order they are summed
  std::size_t host_subset_size = 1;                // pick at random among so many best hosts
  std::uint64_t seed = 0;                          // of that choice
  bool shuffle_best = false;       // put the hosts that are equally best in a random order first
  std::uint64_t shuffle_seed = 0;  // of that order: the same requests again, the same hosts again
  bool pack_numa_cells = false;    // fill the fullest host cells first
  bool full_scan = false;  // look at every host for every decision: what the indexes must equal
};

}  // namespace kilonova::scheduler::core
