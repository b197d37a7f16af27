// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/watch_pump.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <vector>

namespace kilonova::scheduler::adapters::grpc {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

class Counted final : public Pumped {
 public:
  void Turn() override {
    EXPECT_EQ(inside++, 0);
    ++turns;
    turns.notify_all();
    --inside;
  }
  void Stopped() override { stopped = true; }
  void WaitFor(int least) {
    for (int seen = turns; seen < least; seen = turns) turns.wait(seen);
  }
  std::atomic<int> inside{0}, turns{0};
  std::atomic<bool> stopped{false};
};

TEST(WatchPump, AddAndWake_GiveTurns) {
  WatchPump pump(1h);
  auto one = std::make_shared<Counted>();
  const auto id = pump.Add(one);
  one->WaitFor(1);
  pump.Wake(id);
  one->WaitFor(2);
  pump.Remove(id);
}

TEST(WatchPump, Idle_StillGetsATurnNowAndThen) {
  WatchPump pump(1ms);
  auto one = std::make_shared<Counted>();
  const auto id = pump.Add(one);
  one->WaitFor(5);
  pump.Remove(id);
}

TEST(WatchPump, Removed_GetsNone) {
  WatchPump pump(1h);
  auto one = std::make_shared<Counted>();
  auto other = std::make_shared<Counted>();
  const auto id = pump.Add(one);
  one->WaitFor(1);
  pump.Remove(id);
  pump.Wake(id);
  pump.Add(other);
  other->WaitFor(1);
  EXPECT_EQ(one->turns, 1);
  EXPECT_EQ(one.use_count(), 1);
}

TEST(WatchPump, Stop_TellsThoseThereAndTakesNoMore) {
  WatchPump pump(1h);
  auto there = std::make_shared<Counted>(), gone = std::make_shared<Counted>();
  pump.Add(there);
  pump.Remove(pump.Add(gone));
  pump.Stop();
  EXPECT_TRUE(there->stopped);
  EXPECT_FALSE(gone->stopped);
  EXPECT_EQ(pump.Add(gone), 0);
}

TEST(WatchPump, Race_ManyWakersNeverTwoTurnsAtOnce) {
  WatchPump pump(1ms);
  auto one = std::make_shared<Counted>();
  const auto id = pump.Add(one);
  {
    std::vector<std::jthread> wakers;
    for (int i = 0; i < 3; ++i) {
      wakers.emplace_back([&] {
        for (int n = 0; n < 500; ++n) {
          pump.Wake(id);
          pump.Remove(pump.Add(std::make_shared<Counted>()));
        }
      });
    }
  }
  one->WaitFor(2);
  pump.Stop();
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
