// SPDX-License-Identifier: Apache-2.0
// shuffle_best_same_weighed_hosts: hosts that are equally best come in any order, the others stay
// where their weight puts them, and a seed says which order it is.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

std::unique_ptr<Engine> MakeEngine(std::uint64_t seed, bool shuffle, bool full_scan = false,
                                   std::size_t subset = 1) {
  Pipeline pipeline = testing::DefaultPipeline();
  pipeline.shuffle_best = shuffle;
  pipeline.shuffle_seed = seed;
  pipeline.host_subset_size = subset;
  pipeline.full_scan = full_scan;
  return std::make_unique<Engine>(std::move(pipeline));
}

std::vector<std::string> Names(const PlaceResult& result) {
  std::vector<std::string> names;
  for (const auto& selection : result.selections) {
    names.push_back(selection.chosen.host);
    for (const auto& alternate : selection.alternates) names.push_back(alternate.host);
  }
  return names;
}

TEST(Shuffle, EveryOneOfTheBestIsTakenAsOften) {
  const auto engine = MakeEngine(7, true);
  for (const char* name : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(engine->UpsertHost(testing::Host(name)).ok());
  }
  auto small = testing::Host("small");
  small.inventories["MEMORY_MB"] = testing::Inv(2048);
  ASSERT_TRUE(engine->UpsertHost(small).ok());
  std::map<std::string, int> chosen, second;
  for (int i = 0; i < 4000; ++i) {
    const auto names = Names(*engine->DryRun(testing::Request(testing::SmallFlavor())));
    ASSERT_EQ(names.size(), 3);
    ++chosen[names[0]];
    ++second[names[1]];
  }
  ASSERT_EQ(chosen.size(), 4);
  for (const auto& [name, times] : chosen) EXPECT_NEAR(times, 1000, 150) << name;
  for (const auto& [name, times] : second) EXPECT_NEAR(times, 1000, 150) << name;
  EXPECT_FALSE(chosen.contains("small") || second.contains("small"));
}

// One random fleet, with as many hosts alike as not, and what is asked of it one after the other.
class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed) {
    subset_ = Draw(3) == 0 ? 3 : 1;
    seed_ = random_();
    plain_ = MakeEngine(seed_, false);
    for (auto* engine : {&first_, &again_}) *engine = MakeEngine(seed_, true, false, subset_);
    scanned_ = MakeEngine(seed_, true, true, subset_);
    const auto hosts = 2 + Draw(40);
    for (std::uint64_t i = 0; i < hosts; ++i) {
      auto host = testing::Host("h" + std::to_string(i));
      host.cell = Draw(5) == 0 ? "cell2" : "cell1";
      host.inventories["MEMORY_MB"] = testing::Inv(Draw(3) == 0 ? 4096 : 8192);
      for (Engine* engine : All()) EXPECT_TRUE(engine->UpsertHost(host).ok());
    }
  }

  void Step() {
    const auto request =
        testing::Request(testing::SmallFlavor(1 + static_cast<std::int64_t>(Draw(2)),
                                              512 * (1 + static_cast<std::int64_t>(Draw(3)))),
                         Draw(3) == 0 ? 1 + Draw(4) : 1);
    const auto explained = plain_->Explain(request, 1000).value();
    const auto first = first_->Place(request, {.alternates = 3}).value();
    ASSERT_EQ(Names(first), Names(again_->Place(request, {.alternates = 3}).value()));
    ASSERT_EQ(Names(first), Names(scanned_->Place(request, {.alternates = 3}).value()));
    if (!first.placed()) return;
    if (request.instances.size() == 1) Judge(explained, first.selections[0]);
    for (const auto& selection : first.selections) {
      ASSERT_TRUE(plain_
                      ->Claim(selection.instance, selection.chosen.host, request.flavor,
                              selection.resources, ClaimCheck::kCapacity)
                      .ok());
    }
  }

 private:
  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }
  std::vector<Engine*> All() { return {plain_.get(), first_.get(), again_.get(), scanned_.get()}; }

  // What an engine that does not shuffle thinks of the hosts.
  void Judge(const Explanation& explained, const Selection& selection) const {
    std::map<std::string, double> totals;
    std::vector<double> order;
    for (const auto& host : explained.explanations) {
      if (!host.passed) continue;
      totals[host.host] = host.total_weight;
      order.push_back(host.total_weight);
    }
    // Of the first `subset_` weights, whichever; with one, the best.
    EXPECT_GE(totals.at(selection.chosen.host), order[std::min(subset_, order.size()) - 1]);
    for (std::size_t i = 1; i < selection.alternates.size(); ++i) {
      EXPECT_GE(totals.at(selection.alternates[i - 1].host),
                totals.at(selection.alternates[i].host));
    }
  }

  std::mt19937_64 random_;
  std::size_t subset_ = 1;
  std::uint64_t seed_ = 0;
  std::unique_ptr<Engine> plain_, first_, again_, scanned_;
};

TEST(Shuffle, OneSeedGivesOneAnswerAndWeightsStillDecide) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Life life(seed);
    for (int step = 0; step < 40; ++step) {
      ASSERT_NO_FATAL_FAILURE(life.Step()) << "seed " << seed << " step " << step;
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(Shuffle, AnotherSeedGivesAnotherAnswer) {
  const auto one = MakeEngine(1, true);
  const auto other = MakeEngine(2, true);
  for (int i = 0; i < 8; ++i) {
    const auto host = testing::Host("h" + std::to_string(i));
    ASSERT_TRUE(one->UpsertHost(host).ok() && other->UpsertHost(host).ok());
  }
  int same = 0;
  for (int i = 0; i < 200; ++i) {
    const auto request = testing::Request(testing::SmallFlavor());
    same += Names(*one->DryRun(request)) == Names(*other->DryRun(request)) ? 1 : 0;
  }
  EXPECT_LT(same, 20);
}

}  // namespace
}  // namespace kilonova::scheduler::core
