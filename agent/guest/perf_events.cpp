// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/perf_events.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/base/log.h"

namespace kilonova::agent::guest {
namespace {

// libvirt's VIR_PERF_PARAM_* without the CMT ones.
constexpr std::array<std::string_view, 19> kEvents = {
    "alignment_faults",
    "branch_instructions",
    "branch_misses",
    "bus_cycles",
    "cache_misses",
    "cache_references",
    "context_switches",
    "cpu_clock",
    "cpu_cycles",
    "cpu_migrations",
    "emulation_faults",
    "instructions",
    "page_faults",
    "page_faults_maj",
    "page_faults_min",
    "ref_cpu_cycles",
    "stalled_cycles_backend",
    "stalled_cycles_frontend",
    "task_clock",
};
constexpr std::array<std::string_view, 3> kGone = {"cmt", "mbml", "mbmt"};

}  // namespace

std::vector<std::string> KnownPerfEvents(const std::vector<std::string>& wanted) {
  std::vector<std::string> known;
  for (const std::string& event : wanted) {
    if (std::ranges::find(known, event) != known.end()) continue;
    if (std::ranges::find(kEvents, event) != kEvents.end()) {
      known.push_back(event);
    } else if (std::ranges::find(kGone, event) != kGone.end()) {
      LogWarn("the kernel counts no such event any more; left out", {F("event", event)});
    } else {
      LogWarn("libvirt counts no such event; left out", {F("event", event)});
    }
  }
  return known;
}

}  // namespace kilonova::agent::guest
