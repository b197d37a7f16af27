// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/fit.h"

#include <gtest/gtest.h>

#include "common/hardware/errors.h"
#include "tests/unit/common/hardware/builders.h"

namespace kilonova::hardware {
namespace {

using testing::GuestShape;
using testing::HostShape;
using testing::MakeGuest;
using testing::MakeHost;

TEST(FitInstanceToHost, NothingFitsNothing) {
  const HostNumaTopology host = MakeHost({});
  const InstanceNumaTopology guest = MakeGuest({});
  EXPECT_EQ(*FitInstanceToHost({.host = {}, .instance = guest}), std::nullopt);
  EXPECT_EQ(*FitInstanceToHost({.host = host, .instance = {}}), std::nullopt);
}

TEST(FitInstanceToHost, PacksThreadsOfACore) {
  const auto fitted =
      FitInstanceToHost({.host = MakeHost({}), .instance = MakeGuest({.vcpus = 4})});
  ASSERT_TRUE(fitted.ok() && *fitted) << fitted.status();
  // Cores 0 and 1 of 16 in all; their second threads are 16 and 17. Python walks {0, 16} as
  // written, {1, 17} too.
  EXPECT_EQ((*fitted)->cells[0].cpu_pinning,
            (std::vector<std::pair<CpuId, CpuId>>{{0, 0}, {1, 16}, {2, 1}, {3, 17}}));
}

TEST(FitInstanceToHost, HandsOutThreadsInPythonsOrder) {
  HostNumaTopology host = MakeHost({.cells = 1, .cores = 1});
  host.cells[0].cpuset = host.cells[0].pcpuset = host.cells[0].siblings[0] = CpuSet{7, 16};
  const auto fitted = FitInstanceToHost({.host = host, .instance = MakeGuest({})});
  ASSERT_TRUE(fitted.ok() && *fitted) << fitted.status();
  EXPECT_EQ((*fitted)->cells[0].cpu_pinning,
            (std::vector<std::pair<CpuId, CpuId>>{{0, 16}, {1, 7}}));
}

TEST(FitInstanceToHost, HostWithoutSiblingsIsAnError) {
  HostNumaTopology host = MakeHost({});
  for (auto& cell : host.cells) cell.siblings.clear();
  const auto fitted = FitInstanceToHost({.host = host, .instance = MakeGuest({})});
  EXPECT_EQ(fitted.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(NovaExceptionOf(fitted.status()), "ValueError");
  EXPECT_TRUE(FitInstanceToHost({.host = host, .instance = MakeGuest({.policy = CpuPolicy::kNone})})
                  ->has_value());
}

TEST(FitInstanceToHost, PagesOfNoSizeDoNotCrash) {
  HostNumaTopology host = MakeHost({.cells = 1});
  host.cells[0].mempages = {{0, 10, 0, 0}};
  GuestShape shape;
  shape.memory = 0;
  EXPECT_EQ(
      NovaExceptionOf(FitInstanceToHost({.host = host, .instance = MakeGuest(shape)}).status()),
      "ZeroDivisionError");
}

// Thirteen cells that fit, and a network that is near to a fourteenth alone: all of 13!/5!
// arrangements would be tried in vain.
TEST(FitInstanceToHost, GivesUpAfterItsBound) {
  HostNumaTopology host = MakeHost({.cells = 14});
  host.cells.back().network_metadata = NetworkMetadata{{"far"}, false};
  host.cells.back().memory = 1;
  for (auto& pages : host.cells.back().mempages) pages.total = 0;
  NumaLimits limits{16, 16, NetworkMetadata{{"far"}, false}};
  const auto fitted =
      FitInstanceToHost({.host = host,
                         .instance = MakeGuest({.cells = 8, .policy = CpuPolicy::kShared}),
                         .limits = &limits});
  ASSERT_TRUE(fitted.ok());
  EXPECT_FALSE(*fitted);
}

TEST(UsageAfter, KeepsWhatItDoesNotCount) {
  HostNumaTopology host = MakeHost({});
  host.cells[1].network_metadata = NetworkMetadata{{"foo"}, true};
  const auto fitted = FitInstanceToHost({.host = host, .instance = MakeGuest({.cells = 2})});
  ASSERT_TRUE(fitted.ok() && *fitted);
  const auto after = UsageAfter(host, **fitted, Usage::kTake);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->cells[1].network_metadata, host.cells[1].network_metadata);
  EXPECT_EQ(after->cells[1].socket, host.cells[1].socket);
  EXPECT_EQ(after->cells[1].siblings, host.cells[1].siblings);
  EXPECT_EQ(*UsageAfter(*after, **fitted, Usage::kFree), host);
}

TEST(UsageAfter, RefusesCpusThatAreNotFree) {
  const HostNumaTopology host = MakeHost({});
  const auto fitted = FitInstanceToHost({.host = host, .instance = MakeGuest({})});
  ASSERT_TRUE(fitted.ok() && *fitted);
  const auto after = UsageAfter(host, **fitted, Usage::kTake);
  ASSERT_TRUE(after.ok()) << after.status();
  const auto refusal = [](const HostNumaTopology& on, InstanceNumaTopology guest, CpuId cpu,
                          Usage usage) {
    guest.cells[0].cpu_pinning[0].second = cpu;
    return NovaExceptionOf(UsageAfter(on, guest, usage).status());
  };
  const CpuId mine = (*fitted)->cells[0].cpu_pinning[0].second;
  EXPECT_EQ(refusal(*after, **fitted, mine, Usage::kTake), "CPUPinningInvalid");
  EXPECT_EQ(refusal(host, **fitted, mine, Usage::kFree), "CPUUnpinningInvalid");
  EXPECT_EQ(refusal(host, **fitted, 900, Usage::kTake), "CPUPinningUnknown");
  EXPECT_EQ(refusal(*after, **fitted, 900, Usage::kFree), "CPUUnpinningUnknown");
}

}  // namespace
}  // namespace kilonova::hardware
