// SPDX-License-Identifier: Apache-2.0
// VMs as a trace tells of them, to be replayed through the engine.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace kilonova::scheduler::replay {

// Days; an end that the trace does not know.
inline constexpr double kNever = std::numeric_limits<double>::infinity();

struct TraceVm {
  std::int64_t id = 0;
  std::int64_t tenant = 0;
  std::int64_t centicores = 0;  // hundredths of a core, as burstable VMs have fractions of one
  std::int64_t memory_mb = 0;   // MiB
  bool low_priority = false;    // evictable
  double start = 0;             // days since the trace began; negative: it ran already
  double end = kNever;          // days; kNever: it outlives the trace
  friend bool operator==(const TraceVm&, const TraceVm&) = default;
};

// Reads "vmId,tenantId,cores,ram,vmTypeId,starttime,endtime", plain or gzip-compressed: cores in
// hundredths of a core, ram in steps of 256 MiB, the fifth column 0 (high priority) or 1 (low),
// times in days, "inf" for none. Sorted by start, equal starts in the file's order. NOT_FOUND when
// the file cannot be opened, INVALID_ARGUMENT ("file:line: why") for a line that is none of these,
// more than 20,000,000 lines, or a line over 1,000 characters.
Expected<std::vector<TraceVm>> ReadTrace(const std::string& path);

// One line of such a file, without its end.
Expected<TraceVm> ParseTraceLine(std::string_view line);

struct Demand {
  double centicores = 0, memory_mb = 0;
};
// The greatest sums over all VMs alive at one time, each for itself.
Demand PeakDemand(const std::vector<TraceVm>& vms);

}  // namespace kilonova::scheduler::replay
