// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/report_pump.h"

#include <algorithm>

namespace kilonova::agent::adapters::scheduler {

Status ReportPump::Begin(std::int64_t last_seq) {
  taken_ = last_seq;
  acknowledged_ = 0;
  return Acknowledge(last_seq);
}

Expected<std::vector<model::StateReport>> ReportPump::Take(std::size_t most) {
  ASSIGN_OR_RETURN(auto reports, journal_->PendingReports(taken_, most));
  if (!reports.empty()) taken_ = reports.back().seq;
  return reports;
}

Status ReportPump::Acknowledge(std::int64_t seq) {
  // Never more than was sent: an ack from a confused scheduler must not drop a report unheard.
  seq = std::min(seq, taken_);
  if (seq <= acknowledged_) return OkStatus();
  RETURN_IF_ERROR(journal_->AckReports(seq));
  acknowledged_ = seq;
  return OkStatus();
}

}  // namespace kilonova::agent::adapters::scheduler
