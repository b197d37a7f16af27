// SPDX-License-Identifier: Apache-2.0
// Which reports of the journal go out next. Within a session each is sent once and in order; what
// was not acknowledged goes out again with the next session.
#pragma once

#include <cstdint>
#include <vector>

#include "agent/core/journal.h"
#include "common/base/status.h"
#include "common/model/reports.h"

namespace kilonova::agent::adapters::scheduler {

// Used by one thread.
class ReportPump {
 public:
  explicit ReportPump(core::Journal* journal) : journal_(journal) {}

  // A new session, whose scheduler has all up to `last_seq` already.
  Status Begin(std::int64_t last_seq);
  // Up to `most` reports that come after those taken before; empty: nothing more for now.
  Expected<std::vector<model::StateReport>> Take(std::size_t most);
  // The scheduler has all up to `seq`.
  Status Acknowledge(std::int64_t seq);

 private:
  core::Journal* const journal_;
  std::int64_t taken_ = 0;
  std::int64_t acknowledged_ = 0;
};

}  // namespace kilonova::agent::adapters::scheduler
