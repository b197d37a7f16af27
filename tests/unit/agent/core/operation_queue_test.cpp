// SPDX-License-Identifier: Apache-2.0
#include "agent/core/operation_queue.h"

#include <absl/synchronization/notification.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <stop_token>
#include <thread>

#include "tests/support/agent_harness.h"

namespace kilonova::testing {
namespace {

using namespace agent::core;  // NOLINT: all of it is under test

// False when `stop` was requested.
bool Pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  absl::Notification stopped;
  const std::stop_callback on_stop(stop, [&stopped] { stopped.Notify(); });
  return !stopped.WaitForNotificationWithTimeout(absl::FromChrono(time));
}

TEST(OperationQueue, OneAtATimePerInstanceAndInOrder) {
  OperationQueue queue(4);
  queue.Start();
  constexpr int kInstances = 20, kJobs = 30;
  std::vector<std::atomic<int>> running(kInstances), next(kInstances);
  std::atomic<bool> wrong = false;
  for (int j = 0; j < kJobs; ++j) {
    for (int i = 0; i < kInstances; ++i) {
      const auto at = static_cast<std::size_t>(i);
      queue.Push({NthUuid(i), JobKind::kAction, j % 2 == 0, 1, false, [&, at, j](Cancellation&) {
                    if (running[at]++ != 0 || next[at]++ != j) wrong = true;
                    std::this_thread::yield();
                    --running[at];
                  }});
    }
  }
  queue.WaitIdle();
  EXPECT_FALSE(wrong);
  for (const auto& n : next) EXPECT_EQ(n, kJobs);
}

TEST(OperationQueue, SlowJobsLeaveAThreadToQuickOnes) {
  OperationQueue queue(2);
  queue.Start();
  std::atomic<bool> quick_ran = false;
  std::atomic<int> slow = 0, most = 0;
  for (int i = 0; i < 6; ++i) {
    queue.Push({NthUuid(i), JobKind::kBuild, true, 1, false, [&](Cancellation& cancel) {
                  most = std::max(most.load(), ++slow);
                  while (!quick_ran && Pause(std::chrono::milliseconds(1), cancel.token())) {
                  }
                  --slow;
                }});
  }
  queue.Push(
      {NthUuid(100), JobKind::kDelete, false, 1, false, [&](Cancellation&) { quick_ran = true; }});
  queue.WaitIdle();
  EXPECT_TRUE(quick_ran);
  EXPECT_LE(most, 2);
}

TEST(OperationQueue, ParkedJobsHoldNoThreadAndKeepTheirPlace) {
  OperationQueue queue(1);
  queue.Start();
  std::atomic<bool> go_on = false, other_ran = false, behind_ran = false, wrong = false;
  std::atomic<int> runs = 0;
  const auto parks = [&](Cancellation& cancel) {
    ++runs;
    if (!go_on) cancel.Park(std::chrono::milliseconds(1));
  };
  for (int i = 0; i < 5; ++i) queue.Push({NthUuid(i), JobKind::kBuild, true, 1, false, parks});
  queue.Push({NthUuid(0), JobKind::kAction, true, 1, false, [&](Cancellation&) {
                behind_ran = true;
                wrong = !go_on;
              }});
  queue.Push(
      {NthUuid(50), JobKind::kBuild, true, 1, false, [&](Cancellation&) { other_ran = true; }});
  while (!other_ran || runs < 20) std::this_thread::yield();
  EXPECT_FALSE(behind_ran);
  EXPECT_TRUE(queue.Busy(NthUuid(0)));
  go_on = true;
  queue.WaitIdle();
  EXPECT_TRUE(behind_ran);
  EXPECT_FALSE(wrong);
}

TEST(OperationQueue, DeleteAndDrainWakeWhatIsParked) {
  OperationQueue queue(1);
  queue.Start();
  std::atomic<int> parked = 0;
  std::array<std::atomic<StopKind>, 2> kinds = {StopKind::kNone, StopKind::kNone};
  for (int i = 0; i < 2; ++i) {
    queue.Push({NthUuid(i), JobKind::kBuild, true, 1, false, [&, i](Cancellation& cancel) {
                  kinds[static_cast<std::size_t>(i)] = cancel.kind();
                  if (cancel.kind() != StopKind::kNone) return;
                  cancel.Park(std::chrono::hours(1));
                  ++parked;
                }});
  }
  while (parked < 2) std::this_thread::yield();
  queue.CancelForDelete(NthUuid(0), 1);
  while (queue.Busy(NthUuid(0))) std::this_thread::yield();
  EXPECT_EQ(kinds[0], StopKind::kDelete);
  queue.Drain(std::chrono::steady_clock::now() + std::chrono::hours(1));
  EXPECT_EQ(kinds[1], StopKind::kDrain);
}

TEST(OperationQueue, OneSuspectAtATime) {
  OperationQueue queue(3);
  queue.Start();
  std::atomic<int> suspects = 0, most = 0, others = 0;
  for (int i = 0; i < 6; ++i) {
    const bool suspect = i % 2 == 0;
    queue.Push({NthUuid(i), JobKind::kBuild, true, 1, suspect, [&, suspect](Cancellation& cancel) {
                  if (!suspect) {
                    ++others;
                    return;
                  }
                  most = std::max(most.load(), ++suspects);
                  Pause(std::chrono::milliseconds(5), cancel.token());
                  --suspects;
                }});
  }
  queue.WaitIdle();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(others, 3);
}

TEST(OperationQueue, DrainForgetsTheQueuedAndCancelsTheRunning) {
  OperationQueue queue(1);
  queue.Start();
  std::atomic<bool> started = false, second = false;
  StopKind kind = StopKind::kNone;
  queue.Push({NthUuid(1), JobKind::kBuild, true, 1, false, [&](Cancellation& cancel) {
                started = true;
                while (Pause(std::chrono::milliseconds(1), cancel.token())) {
                }
                kind = cancel.kind();
              }});
  queue.Push({NthUuid(1), JobKind::kBuild, true, 1, false, [&](Cancellation&) { second = true; }});
  while (!started) std::this_thread::yield();
  EXPECT_FALSE(queue.Drain(std::chrono::steady_clock::now()));
  EXPECT_EQ(kind, StopKind::kDrain);
  EXPECT_FALSE(second);
}

}  // namespace
}  // namespace kilonova::testing
