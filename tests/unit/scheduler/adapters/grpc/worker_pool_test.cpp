// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace kilonova::scheduler::adapters::grpc {
namespace {

TEST(WorkerPool, Tasks_RunSideBySide) {
  WorkerPool pool(4, 100);
  std::latch all(4);
  std::latch done(4);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(pool.Submit([&] {
      all.arrive_and_wait();  // ends only if four run at once
      done.count_down();
    }));
  }
  done.wait();
}

TEST(WorkerPool, TooMuchWaiting_IsRefused) {
  std::latch hold(1);
  std::latch running(1);
  WorkerPool pool(1, 2);
  ASSERT_TRUE(pool.Submit([&] {
    running.count_down();
    hold.wait();
  }));
  running.wait();
  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_FALSE(pool.Submit([] {}));
  hold.count_down();
}

TEST(WorkerPool, Stop_RunsWhatWasTakenAndRefusesTheRest) {
  std::atomic<int> ran{0};
  WorkerPool pool(2, 1000);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(pool.Submit([&] { ++ran; }));
  pool.Stop();
  EXPECT_EQ(ran, 200);
  EXPECT_FALSE(pool.Submit([&] { ++ran; }));
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
