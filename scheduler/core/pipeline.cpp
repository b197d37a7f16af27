// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/pipeline.h"

#include "scheduler/core/fleet.h"

namespace kilonova::scheduler::core {

Status PreparedFilter::Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const {
  std::size_t kept = 0;
  for (const HostIndex host : hosts) {
    const Judgement judgement = Judge(fleet, host);
    if (judgement == Judgement::kError) {
      FilterVerdict verdict;
      Describe(fleet, host, verdict);
      return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                   "the request cannot be judged: " + verdict.need,
                   {{"host", fleet.Record(host).host}});
    }
    hosts[kept] = host;
    kept += judgement == Judgement::kPass ? 1 : 0;
  }
  hosts.resize(kept);
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
