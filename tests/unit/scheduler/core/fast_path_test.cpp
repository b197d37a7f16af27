// SPDX-License-Identifier: Apache-2.0
// Two engines live the same life, one of them looking at every host for every decision: they must
// always answer alike, to the last alternate.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/unit/scheduler/core/random_requests.h"

namespace kilonova::scheduler::core {
namespace {

// One world and both engines in it.
class Twins : private testing::RandomRequests {
 public:
  using World::Kind;
  explicit Twins(std::uint64_t seed, Kind kind = Kind::kAny)
      : RandomRequests(seed, kind), fast_(MakeEngine(false)), slow_(MakeEngine(true)) {
    for (std::uint64_t i = 0; i < most_hosts_; ++i) Report();
    DrawKinds();
  }

  void Step() {
    const auto kind = Draw(100);
    if (kind < 50) {
      Place();
    } else if (kind < 72) {
      Release();
    } else if (kind < 78) {
      Finish();
    } else if (kind < 84) {
      Move();
    } else if (kind < 90) {
      Report();
    } else if (kind < 94) {
      SetFlags();
    } else if (kind < 97) {
      ClaimFact();
    } else if (kind < 98 || !shared_) {
      RemoveHost();
    } else {
      ChangePool();
    }
  }
  std::uint64_t Decisions() const { return decisions_; }
  std::uint64_t LargestGang() const { return largest_gang_; }

 private:
  std::optional<std::string> HostOf(const Uuid& uuid) const override {
    const auto claim = fast_->GetClaim(uuid);
    return claim ? std::optional(claim->host) : std::nullopt;
  }

  void Report() {
    const HostState host = RandomHostState();
    ASSERT_EQ(fast_->UpsertHost(host), slow_->UpsertHost(host));
  }

  void ChangePool() {
    const SharingProvider pool = RandomPool();
    if (Draw(3) != 0) {
      ASSERT_EQ(fast_->UpsertSharingProvider(pool), slow_->UpsertSharingProvider(pool));
    } else {
      ASSERT_EQ(fast_->RemoveSharingProvider(pool.name), slow_->RemoveSharingProvider(pool.name));
    }
  }

  static std::string Describe(const PlacementRequest& request) {
    std::string text = std::to_string(request.instances.size()) + " instances";
    if (request.instance_group) text += ", group " + request.instance_group->policy;
    if (request.numa_topology) text += ", NUMA";
    if (request.resource_request) text += ", groups";
    if (!request.pci_requests.empty()) text += ", PCI";
    if (request.requested_destination) text += ", destination";
    for (const auto& [name, values] : request.hints) text += ", hint " + name;
    return text;
  }

  static std::string Text(const Expected<PlaceResult>& result) {
    if (!result.ok()) {
      return std::string(result.status().ToString(absl::StatusToStringMode::kWithNoExtraData));
    }
    std::string text = result->placed() ? "" : "refused: " + result->refusal.summary;
    for (const auto& selection : result->selections) {
      text += selection.instance.str() + " on " + selection.chosen.host + " or";
      for (const auto& host : selection.alternates) text += " " + host.host;
      text += "\n";
    }
    return text;
  }

  void Place() {
    ++decisions_;
    const auto request = RandomRequest();
    const PlaceOptions options{.alternates = Draw(5)};
    if (Draw(6) == 0) {
      ASSERT_EQ(Text(fast_->DryRun(request, options)), Text(slow_->DryRun(request, options)))
          << Describe(request);
    }
    const auto fast = fast_->Place(request, options);
    ASSERT_EQ(Text(fast), Text(slow_->Place(request, options))) << Describe(request);
    if (fast.ok() && fast->placed()) {
      for (const Uuid& uuid : request.instances) claims_.push_back(uuid);
      largest_gang_ = std::max<std::uint64_t>(largest_gang_, request.instances.size());
    }
  }

  void Release() {
    if (claims_.empty()) return;
    const auto times = gangs_ ? Draw(claims_.size() + 1) : Draw(4) == 0 ? 4 : 1;
    for (std::uint64_t i = 0; i < times && !claims_.empty(); ++i) {
      const std::size_t at = Draw(claims_.size());
      ASSERT_EQ(fast_->Release(claims_[at]), slow_->Release(claims_[at]));
      claims_[at] = claims_.back();
      claims_.pop_back();
    }
  }

  void Finish() {
    if (claims_.empty()) return;
    const Uuid uuid = AnyClaim();
    fast_->BuildFinished(uuid);
    slow_->BuildFinished(uuid);
  }

  void Move() {
    if (claims_.empty()) return;
    const Uuid uuid = AnyClaim();
    const std::string host = RandomHost();
    ASSERT_EQ(fast_->MoveClaim(uuid, host), slow_->MoveClaim(uuid, host));
  }

  void SetFlags() {
    const std::string host = RandomHost();
    const bool on = Draw(3) != 0;
    if (Draw(2) == 0) {
      ASSERT_EQ(fast_->SetHostUp(host, on), slow_->SetHostUp(host, on));
    } else {
      ASSERT_EQ(fast_->SetHostEnabled(host, on, "why"), slow_->SetHostEnabled(host, on, "why"));
    }
  }

  // Taken from a database, whatever the host has: it may be overcommitted by it.
  void ClaimFact() {
    const Uuid uuid = Uuid::Random();
    const std::string host = RandomHost();
    const auto flavor = RandomFlavor();
    const Status claimed = fast_->Claim(uuid, host, flavor, {}, ClaimCheck::kLoading);
    ASSERT_EQ(claimed, slow_->Claim(uuid, host, flavor, {}, ClaimCheck::kLoading));
    if (claimed.ok()) claims_.push_back(uuid);
  }

  void RemoveHost() {
    const std::string host = RandomHost();
    ASSERT_EQ(fast_->RemoveHost(host), slow_->RemoveHost(host));
  }

  std::uint64_t decisions_ = 0, largest_gang_ = 0;
  std::unique_ptr<Engine> fast_, slow_;
};

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}

void Compare(Twins::Kind world, std::uint64_t decisions) {
  std::uint64_t seed = FromEnvironment("KILONOVA_SEED", 20261125);
  for (std::uint64_t done = 0; done < decisions; ++seed) {
    SCOPED_TRACE("KILONOVA_SEED=" + std::to_string(seed));
    Twins twins(seed, world);
    for (int i = 0; i < 1000; ++i) {
      ASSERT_NO_FATAL_FAILURE(twins.Step()) << "step " << i;
      if (::testing::Test::HasFailure()) return;
    }
    done += twins.Decisions();
  }
}

// However much changes meanwhile.
TEST(FastPath, RemembersWhichHostsRaise) {
  Pipeline pipeline = testing::DefaultPipeline();
  pipeline.filters = filters::MakeFilters({"SimpleCIDRAffinityFilter"}, {}).value();
  Engine engine(std::move(pipeline));
  HostState large = testing::Host("large");
  large.host_ip = "10.0.0.1";
  large.inventories = {{"VCPU", testing::Inv(64)}, {"MEMORY_MB", testing::Inv(64 * 1024)}};
  HostState small = testing::Host("small");
  small.host_ip = "";
  small.inventories = {{"VCPU", testing::Inv(1)}, {"MEMORY_MB", testing::Inv(1024)}};
  ASSERT_TRUE(engine.UpsertHost(large).ok());
  ASSERT_TRUE(engine.UpsertHost(small).ok());
  auto near = testing::Request(testing::SmallFlavor(1, 512, 0), 1);
  near.hints["build_near_host_ip"] = {"10.0.0.7"};
  const Status raised = engine.DryRun(near).status();
  ASSERT_FALSE(raised.ok());
  for (int i = 0; i < 3000; ++i) {
    const auto request = testing::Request(testing::SmallFlavor(8, 8192, 0), 1);
    ASSERT_TRUE(engine.Place(request)->placed());
    engine.Release(request.instances[0]);
  }
  EXPECT_EQ(engine.DryRun(near).status(), raised);
}

// About what fits a test run; KILONOVA_DECISIONS asks for more.
TEST(FastPath, AnswersAsTheFullScan) {
  Compare(Twins::Kind::kAny, FromEnvironment("KILONOVA_DECISIONS", 40'000));
}

TEST(FastPath, AnswersRecurringRequestsAsTheFullScan) {
  Compare(Twins::Kind::kRecurring, FromEnvironment("KILONOVA_DECISIONS", 40'000));
}

TEST(FastPath, AnswersHardRequestsAsTheFullScan) {
  Compare(Twins::Kind::kHard, FromEnvironment("KILONOVA_DECISIONS", 40'000));
}

TEST(FastPath, AnswersHardGangsAsTheFullScan) {
  Compare(Twins::Kind::kHardGangs, FromEnvironment("KILONOVA_DECISIONS", 40'000) / 10);
}

TEST(FastPath, AnswersGangsAsTheFullScan) {
  const std::uint64_t worlds = FromEnvironment("KILONOVA_GANG_WORLDS", 40);
  const std::uint64_t first = FromEnvironment("KILONOVA_SEED", 20261125);
  std::uint64_t largest = 0;
  for (std::uint64_t seed = first; seed < first + worlds; ++seed) {
    SCOPED_TRACE("KILONOVA_SEED=" + std::to_string(seed));
    Twins twins(seed, Twins::Kind::kGangs);
    for (int i = 0; i < 60; ++i) {
      ASSERT_NO_FATAL_FAILURE(twins.Step()) << "step " << i;
      if (HasFailure()) return;
    }
    largest = std::max(largest, twins.LargestGang());
  }
  EXPECT_GT(largest, 200U) << "no large gang was placed";
}

}  // namespace
}  // namespace kilonova::scheduler::core
