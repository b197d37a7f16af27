// SPDX-License-Identifier: Apache-2.0
// The places where a test may kill the scheduler, in the order a creation passes them. A test
// compares them with what stands in the sources.
#pragma once

#include <array>
#include <string_view>

namespace kilonova::scheduler::core {

inline constexpr std::array<std::string_view, 15> kFailpoints = {
    "scheduler.claim.before",         "scheduler.claim.after",
    "scheduler.commit.before",        "scheduler.commit.after",
    "scheduler.reply.before",         "scheduler.outbox.publish.before",
    "scheduler.outbox.publish.after", "scheduler.outbox.confirm.before",
    "scheduler.outbox.confirm.after", "scheduler.confirm_start.before",
    "scheduler.confirm_start.after",  "scheduler.outbox.before",
    "scheduler.outbox.after",         "scheduler.report.before",
    "scheduler.report.after",
};

}  // namespace kilonova::scheduler::core
