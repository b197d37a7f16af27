// SPDX-License-Identifier: Apache-2.0
// What tests of builds look at when one has ended.
#pragma once

#include <gtest/gtest.h>

#include "agent/core/instance_files.h"
#include "tests/support/agent_harness.h"

namespace kilonova::testing {

class Build : public AgentHarness {
 protected:
  void ExpectNothingLeft(int n) {
    EXPECT_FALSE(DirExists(n));
    EXPECT_FALSE(hypervisor_.Has(NthUuid(n)));
    EXPECT_FALSE(Record(n));
    EXPECT_TRUE(journal_.Unfinished()->empty());
  }
  void ExpectFailed(int n, Reason why, bool retryable) {
    const auto last = LastReport(n);
    EXPECT_EQ(last.outcome, model::Outcome::kFailed);
    EXPECT_EQ(last.vm_state, model::VmState::kError);
    ASSERT_TRUE(last.fault);
    EXPECT_EQ(last.fault->reason, why.name);
    EXPECT_EQ(last.fault->retryable, retryable);
  }
  // The build of an earlier agent, in the journal; its id there.
  std::int64_t AcceptedBuild(int n) {
    const auto message = Message("build", n);
    agent::core::JournalEntry entry;
    entry.unique_id = message.request.unique_id;
    entry.method = message.request.method;
    entry.instance_uuid = NthUuid(n);
    entry.generation = 1;
    entry.body = message.body;
    EXPECT_TRUE(journal_.Accept(entry).ok());
    return entry.id;
  }
};

}  // namespace kilonova::testing
