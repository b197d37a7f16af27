// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/single_flight.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace kilonova::agent::adapters::images {
namespace {

using core::CachedImage;

TEST(SingleFlight_Test, SharesOneRunBetweenAllWhoWait) {
  constexpr int kCallers = 8;
  SingleFlight flights;
  std::atomic<int> runs = 0;
  std::latch all_aboard(1);
  const auto work = [&](const SharedLimit& limit, std::stop_token) -> Expected<CachedImage> {
    ++runs;
    all_aboard.wait();
    return CachedImage{"/x", "raw", limit.load()};
  };
  std::vector<std::jthread> callers;
  std::atomic<int> good = 0;
  std::latch entered(kCallers);
  for (int i = 1; i <= kCallers; ++i) {
    callers.emplace_back([&, i] {
      entered.count_down();
      const auto result = flights.Join("key", static_cast<std::uint64_t>(i), work, {});
      if (result.ok() && result->format == "raw") ++good;
    });
  }
  entered.wait();
  all_aboard.count_down();
  callers.clear();
  EXPECT_EQ(good, kCallers);
  EXPECT_GE(runs, 1);
  EXPECT_LE(runs, kCallers);
}

TEST(SingleFlight_Test, OneWhoStopsWaitingStopsNobodyElse) {
  SingleFlight flights;
  std::latch started(1), land(1);
  const auto work = [&](const SharedLimit&, std::stop_token stop) -> Expected<CachedImage> {
    started.count_down();
    land.wait();
    if (stop.stop_requested()) return Error(Code::kCancelled, reason::kUnavailable, "stopped");
    return CachedImage{"/x", "raw", 1};
  };
  Expected<CachedImage> first = Error(Code::kUnknown, reason::kInternal, "");
  Expected<CachedImage> second = first;
  std::stop_source impatient;
  std::jthread a([&] { first = flights.Join("key", 1, work, impatient.get_token()); });
  started.wait();
  std::jthread b([&] { second = flights.Join("key", 2, work, {}); });
  while (flights.Waiting("key") < 2) std::this_thread::yield();
  impatient.request_stop();
  a.join();
  EXPECT_EQ(first.status().code(), Code::kCancelled);
  land.count_down();
  b.join();
  EXPECT_TRUE(second.ok()) << second.status();
}

TEST(SingleFlight_Test, TheLastOneToLeaveStopsTheWork) {
  SingleFlight flights;
  std::stop_source impatient;
  std::atomic<bool> told = false;
  const auto work = [&](const SharedLimit&, std::stop_token stop) -> Expected<CachedImage> {
    impatient.request_stop();
    std::latch stopped(1);
    const std::stop_callback on_stop(stop, [&] { stopped.count_down(); });
    stopped.wait();
    told = true;
    return Error(Code::kCancelled, reason::kUnavailable, "stopped");
  };
  EXPECT_EQ(flights.Join("key", 1, work, impatient.get_token()).status().code(), Code::kCancelled);
  EXPECT_TRUE(told);  // Join has waited for the work's end
}

TEST(SingleFlight_Test, StartsAnewAfterAResult) {
  SingleFlight flights;
  int runs = 0;
  const auto work = [&](const SharedLimit&, std::stop_token) -> Expected<CachedImage> {
    ++runs;
    return Error(Code::kUnavailable, reason::kImageFetchFailed, "no");
  };
  EXPECT_FALSE(flights.Join("key", 1, work, {}).ok());
  EXPECT_FALSE(flights.Join("key", 1, work, {}).ok());
  EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace kilonova::agent::adapters::images
