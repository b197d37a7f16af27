// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "common/base/ids.h"
#include "scheduler/core/placement.h"

namespace kilonova::scheduler::core {
namespace {

TEST(Hints, KnownOnesAreKeptWithoutRepetitions) {
  const std::string a = Uuid::Random().str();
  const std::string b = Uuid::Random().str();
  const auto hints = ValidateHints({{"same_host", {b, a, b, a}}, {"different_host", {}}});
  ASSERT_TRUE(hints.ok()) << hints.status();
  EXPECT_EQ(hints->at("same_host"), (std::vector<std::string>{b, a}));
  EXPECT_TRUE(hints->at("different_host").empty());
}

TEST(Hints, EveryHintOfAFilterIsTaken) {
  const Hints hints = {{"group", {Uuid::Random().str()}},
                       {"query", {R"(["=", "$host", "[[[[[[[[[[[[[[[[[["])"}},
                       {"build_near_host_ip", {"2001:db8::1"}},
                       {"cidr", {"/64"}}};
  const auto valid = ValidateHints(hints);
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_EQ(*valid, hints);
}

TEST(Hints, RepetitionsDoNotCountAgainstTheLimit) {
  const std::vector<std::string> same(100000, Uuid::Random().str());
  const auto hints = ValidateHints({{"same_host", same}});
  ASSERT_TRUE(hints.ok()) << hints.status();
  EXPECT_EQ(hints->at("same_host").size(), 1U);
}

TEST(Hints, TooManyUnknownOrMalformedAreRefused) {
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= kMostHintValues; ++i) many.push_back(Uuid::Random().str());
  for (const Hints& bad : {Hints{{"same_host", many}},
                           Hints{{"_nova_check_type", {"rebuild"}}},
                           Hints{{"_nova_check_type", {}}},
                           Hints{{"target_cell", {"a"}}},
                           Hints{{"", {}}},
                           Hints{{"group", {"web"}}},
                           Hints{{"group", {Uuid::Random().str(), Uuid::Random().str()}}},
                           Hints{{"query", {"[]", "[1]"}}},
                           Hints{{"query", {std::string(2049, ' ')}}},
                           Hints{{"query", {std::string(17, '[')}}},
                           Hints{{"query", {std::string(1000000, '[')}}},
                           Hints{{"build_near_host_ip", {"10.0.0.1/8"}}},
                           Hints{{"build_near_host_ip", {""}}},
                           Hints{{"build_near_host_ip", {"abc"}}},
                           Hints{{"build_near_host_ip", {"10.0.1"}}},
                           Hints{{"build_near_host_ip", {std::string("::1\0x", 5)}}},
                           Hints{{"cidr", {"/FF"}}},
                           Hints{{"build_near_host_ip", {"10.0.0.1", "10.0.0.2"}}},
                           Hints{{"cidr", {"24"}}},
                           Hints{{"cidr", {"/"}}},
                           Hints{{"cidr", {"/24; x"}}},
                           Hints{{"same_host", {"not-a-uuid"}}},
                           Hints{{std::string(1 << 20, 'x'), {}}}}) {
    const auto hints = ValidateHints(bad);
    EXPECT_EQ(hints.status().code(), Code::kInvalidArgument);
    EXPECT_EQ(ReasonOf(hints.status()), reason::kInvalidArgument.name);
    EXPECT_LT(DetailsOf(hints.status()).at("field").size(), 100U);
  }
  EXPECT_TRUE(ValidateHints({{"group", {Uuid::Random().str()}},
                             {"build_near_host_ip", {"10.0.0.1"}},
                             {"cidr", {"/24"}},
                             {"query", {R"([">=", "$free_ram_mb", 1024])"}}})
                  .ok());
  many.pop_back();
  EXPECT_TRUE(ValidateHints({{"same_host", many}}).ok());
}

}  // namespace
}  // namespace kilonova::scheduler::core
