// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pci_stats.h"

#include <gtest/gtest.h>

#include "common/hardware/errors.h"
#include "tests/unit/common/hardware/builders.h"

namespace kilonova::hardware {
namespace {

PciDevicePool Pool(const char* product, std::int64_t count, std::optional<std::int64_t> node = 0,
                   PciSpec tags = {}) {
  return {"8086", product, node, count, std::move(tags)};
}

PciRequest Request(std::int64_t count, PciSpec spec, PciNumaPolicy policy = PciNumaPolicy::kNone) {
  return {count, {std::move(spec)}, "a1", "", policy};
}

TEST(PciStats, Apply_TakesFromPoolsWithFewestProperties) {
  PciStats stats({Pool("154d", 2, 0, {{"dev_type", "type-VF"}}), Pool("154d", 1)});
  const auto taken = stats.Apply({Request(2, {{"product_id", "154D"}})});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(*taken, (std::vector{Pool("154d", 1), Pool("154d", 1, 0, {{"dev_type", "type-VF"}})}));
  EXPECT_EQ(stats.Pools(), (std::vector{Pool("154d", 1, 0, {{"dev_type", "type-VF"}})}));
}

TEST(PciStats, Apply_TakesNothingWhenOneRequestFails) {
  PciStats stats({Pool("154d", 2), Pool("1520", 1)});
  const PciStats before = stats;
  const auto taken =
      stats.Apply({Request(1, {{"product_id", "154d"}}), Request(2, {{"product_id", "1520"}})});
  EXPECT_EQ(taken.status().code(), Code::kResourceExhausted);
  EXPECT_EQ(NovaExceptionOf(taken.status()), "PciDeviceRequestFailed");
  EXPECT_EQ(stats, before);
}

TEST(PciStats, Return_GivesBackWhatApplyTook) {
  PciStats stats({Pool("154d", 2), Pool("154d", 3, 1), Pool("1520", 1)});
  const PciStats before = stats;
  const auto taken =
      stats.Apply({Request(4, {{"product_id", "154d"}}), Request(1, {{"product_id", "1520"}})});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(testing::CountDevices(stats), 1);
  stats.Return(*taken);
  EXPECT_EQ(testing::CountDevices(stats), testing::CountDevices(before));
  for (const auto& pool : before.Pools()) {
    EXPECT_NE(std::ranges::find(stats.Pools(), pool), stats.Pools().end()) << pool.product_id;
  }
}

TEST(PciStats, Supports_CountsEachRequestOnce) {
  const PciStats stats({Pool("154d", 1)});
  const auto one = Request(1, {{"product_id", "154d"}});
  EXPECT_TRUE(stats.Supports({one}));
  EXPECT_FALSE(stats.Supports({one, one}));
  EXPECT_TRUE(stats.Supports({}));
}

TEST(PciStats, Supports_KeepsPhysicalFunctionsForThoseWhoAsk) {
  const PciStats stats({Pool("154d", 1, 0, {{"dev_type", "type-PF"}})});
  EXPECT_FALSE(stats.Supports({Request(1, {{"product_id", "154d"}})}));
  EXPECT_TRUE(stats.Supports({Request(1, {{"product_id", "154d"}, {"dev_type", "type-PF"}})}));
}

TEST(PciStats, Supports_FollowsTheAffinityPolicy) {
  HostNumaTopology host;
  for (const std::int64_t id : {0, 1, 2}) {
    host.cells.emplace_back();
    host.cells.back().id = id;
    host.cells.back().socket = id / 2;
  }
  const PciAffinity on_cell_0{&host, {0}};
  const auto supports = [&](std::optional<std::int64_t> node, PciNumaPolicy policy) {
    return PciStats({Pool("154d", 1, node)})
        .Supports({Request(1, {{"product_id", "154d"}}, policy)}, on_cell_0);
  };
  using P = PciNumaPolicy;
  for (const auto policy : {P::kNone, P::kRequired, P::kLegacy, P::kPreferred, P::kSocket}) {
    EXPECT_TRUE(supports(0, policy)) << ToText(policy);
    EXPECT_EQ(supports(1, policy), policy == P::kSocket || policy == P::kPreferred)
        << ToText(policy);
    EXPECT_EQ(supports(2, policy), policy == P::kPreferred) << ToText(policy);
    EXPECT_EQ(supports(std::nullopt, policy), policy != P::kRequired && policy != P::kSocket)
        << ToText(policy);
  }
  host.cells[2].socket.reset();
  EXPECT_FALSE(supports(1, P::kSocket)) << "a host that does not know all its sockets";
}

TEST(PciStats, HasRemoteManagedPools_ReadsTheTag) {
  EXPECT_FALSE(PciStats({Pool("154d", 1)}).HasRemoteManagedPools());
  EXPECT_TRUE(PciStats({Pool("154d", 0, 0, {{"remote_managed", "true"}})}).HasRemoteManagedPools());
}

}  // namespace
}  // namespace kilonova::hardware
