// SPDX-License-Identifier: Apache-2.0
// Many threads, little room. Meant for ThreadSanitizer; true without it as well.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

constexpr int kThreads = 8;

TEST(EngineRace, LastSlotHasExactlyOneWinner) {
  for (int round = 0; round < 50; ++round) {
    Engine engine(testing::DefaultPipeline());
    ASSERT_TRUE(engine.UpsertHost(testing::Host("a")).ok());
    ASSERT_TRUE(engine.UpsertHost(testing::Host("b")).ok());
    // Room for one VCPU is left, on b.
    ASSERT_TRUE(
        engine.Claim(Uuid::Random(), "a", testing::SmallFlavor(8), {}, ClaimCheck::kCapacity).ok());
    ASSERT_TRUE(
        engine.Claim(Uuid::Random(), "b", testing::SmallFlavor(7), {}, ClaimCheck::kCapacity).ok());
    std::latch start(kThreads);
    std::atomic<int> winners = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
          const auto request = testing::Request(testing::SmallFlavor());
          start.arrive_and_wait();
          const auto result = engine.Place(request);
          if (result.ok() && result->placed()) ++winners;
        });
      }
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(engine.Usage("b")->at("VCPU"), 8);
  }
}

TEST(EngineRace, EveryCallMayRunBesideEveryOther) {
  Engine engine(testing::DefaultPipeline());
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(engine.UpsertHost(testing::Host("h" + std::to_string(i))).ok());
  }
  std::latch start(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&engine, &start, t] {
        start.arrive_and_wait();
        const std::string host = "h" + std::to_string(t % 6);
        for (int i = 0; i < 100; ++i) {
          const auto request = testing::Request(testing::SmallFlavor());
          const auto result = engine.Place(request);
          ASSERT_TRUE(result.ok());
          ASSERT_TRUE(engine.UpsertHost(testing::Host(host)).ok());
          ASSERT_TRUE(engine.SetHostUp(host, i % 3 != 0).ok());
          ASSERT_TRUE(engine.Explain(request, 3).ok());
          ASSERT_EQ(engine.ListHosts("", 10).size(), 6U);
          ASSERT_TRUE(engine.DryRun(testing::Request(testing::SmallFlavor(), 2)).ok());
          ASSERT_TRUE(engine.WhatFits(request).ok());
          ASSERT_TRUE(engine.Remedies(testing::Request(testing::SmallFlavor(99)), {}).ok());
          ASSERT_EQ(engine.HostCount(), 6U);
          ASSERT_GT(engine.MemoryBytes(), 0U);
          if (!result->placed()) continue;
          ASSERT_TRUE(engine.GetClaim(request.instances[0]).has_value());
          ASSERT_FALSE(engine.HardwareOf(request.instances[0]).has_value());
          engine.BuildFinished(request.instances[0]);
          static_cast<void>(engine.MoveClaim(request.instances[0], host));
          ASSERT_TRUE(engine.Release(request.instances[0]));
        }
      });
    }
  }
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(engine.Usage("h" + std::to_string(i))->empty());
  }
}

// Asked of more hosts than are looked at in one turn, while they come, go and fill.
TEST(EngineRace, WhatFits_TakesTurnsWithEverythingElse) {
  constexpr int kHosts = 600;
  Engine engine(testing::DefaultPipeline());
  const auto name = [](int i) { return "h" + std::to_string(i); };
  for (int i = 0; i < kHosts; ++i) {
    ASSERT_TRUE(engine.UpsertHost(testing::Host(name(i))).ok());
  }
  std::atomic<bool> done = false;
  {
    std::vector<std::jthread> others;
    others.emplace_back([&] {  // hosts no instance is on go, and for a while one comes that is down
      HostState down = testing::Host("down");
      down.up = false;
      for (int i = 0; !done; i = (i + 7) % kHosts) {
        if (!engine.RemoveHost(name(i)).ok()) continue;
        EXPECT_TRUE(engine.UpsertHost(down).ok());
        EXPECT_TRUE(engine.RemoveHost("down").ok());
        EXPECT_TRUE(engine.UpsertHost(testing::Host(name(i))).ok());
      }
    });
    for (int t = 0; t < 2; ++t) {
      others.emplace_back([&] {
        while (!done) {
          const auto request = testing::Request(testing::SmallFlavor(), 3);
          const auto placed = engine.Place(request);
          EXPECT_TRUE(placed.ok() && placed->placed());
          for (const Uuid& uuid : request.instances) EXPECT_TRUE(engine.Release(uuid));
        }
      });
    }
    std::vector<std::jthread> askers;
    for (int t = 0; t < 2; ++t) {
      askers.emplace_back([&] {
        for (int i = 0; i < 10; ++i) {
          const auto room = engine.WhatFits(testing::Request(testing::SmallFlavor(8)));
          ASSERT_TRUE(room.ok());
          EXPECT_LE(room->count, kHosts);
          EXPECT_EQ(std::ranges::count(room->hosts, "down", &Room::OnHost::host), 0)
              << "it has what another had in its place";
          // In each of its turns one may be away and six in use, and one be gone at the end.
          EXPECT_GE(room->count, kHosts - 3 * 7 - 1);
        }
      });
    }
    askers.clear();
    done = true;
  }
  EXPECT_EQ(engine.WhatFits(testing::Request(testing::SmallFlavor(8)))->count, kHosts);
}

}  // namespace
}  // namespace kilonova::scheduler::core
