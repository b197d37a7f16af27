// SPDX-License-Identifier: Apache-2.0
// A million random operations against a plain model of the ledger: whatever happens, the engine's
// sums are the sums of its claims and no placement ever takes more than an inventory allows.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

constexpr int kOperations = 1'000'000;
constexpr int kHosts = 24;

class Ledger {
 public:
  explicit Ledger(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < kHosts; ++i) Report(i);
  }

  void Step() {
    const auto kind = Draw(100);
    if (kind < 45) {
      Place();
    } else if (kind < 80) {
      Release();
    } else if (kind < 88) {
      Move();
    } else if (kind < 93) {
      ClaimDirectly();
    } else if (kind < 97) {
      Report(static_cast<int>(Draw(kHosts)));
    } else {
      const std::string host = Name(static_cast<int>(Draw(kHosts)));
      ASSERT_TRUE(engine_.SetHostUp(host, Draw(4) != 0).ok());
    }
  }

  void CheckAll() {
    std::map<std::string, model::Resources> sums;
    for (const auto& [uuid, held] : claims_) {
      for (const auto& [name, amount] : held.resources) sums[held.host][name] += amount;
      const auto record = engine_.GetClaim(uuid);
      ASSERT_TRUE(record);
      ASSERT_EQ(record->host, held.host);
      ASSERT_EQ(record->resources, held.resources);
    }
    for (int i = 0; i < kHosts; ++i) {
      ASSERT_EQ(engine_.Usage(Name(i)).value(), sums[Name(i)]) << Name(i);
    }
  }

 private:
  struct Held {
    std::string host;
    model::Resources resources;
  };

  static std::string Name(int i) { return "h" + std::to_string(i); }
  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }

  // A fresh inventory, sometimes smaller than what is claimed already.
  void Report(int i) {
    HostState host = testing::Host(Name(i));
    const double ratios[] = {1.0, 1.5, 4.0};
    host.inventories = {
        {"VCPU", testing::Inv(static_cast<std::int64_t>(4 + Draw(12)), ratios[Draw(3)])},
        {"MEMORY_MB", testing::Inv(static_cast<std::int64_t>(4096 + 512 * Draw(16)),
                                   ratios[Draw(2)], static_cast<std::int64_t>(512 * Draw(3)))},
        {"DISK_GB", testing::Inv(static_cast<std::int64_t>(50 + Draw(100)))}};
    host.inventories["VCPU"].max_unit = static_cast<std::int64_t>(2 + Draw(6));
    ASSERT_TRUE(engine_.UpsertHost(host).ok());
    inventories_[host.host] = host.inventories;
  }

  model::Flavor RandomFlavor() {
    return testing::SmallFlavor(static_cast<std::int64_t>(1 + Draw(6)),
                                static_cast<std::int64_t>(256 * (1 + Draw(8))),
                                static_cast<std::int64_t>(Draw(30)));
  }

  // No class of a host that was just given something may be above its capacity.
  void CheckHost(const std::string& host, const model::Resources& given) {
    const auto used = engine_.Usage(host).value();
    for (const auto& [name, amount] : given) {
      const auto& inventory = inventories_.at(host).at(name);
      ASSERT_LE(used.at(name), inventory.Capacity()) << host << " " << name;
      ASSERT_TRUE(inventory.AllowsUnit(amount)) << host << " " << name;
    }
  }

  void Place() {
    const auto request = testing::Request(RandomFlavor(), 1 + Draw(3));
    const auto result = engine_.Place(request, {.alternates = Draw(3)});
    ASSERT_TRUE(result.ok()) << result.status();
    if (!result->placed()) {
      for (const auto& uuid : request.instances) ASSERT_FALSE(engine_.GetClaim(uuid));
      return;
    }
    ASSERT_EQ(result->selections.size(), request.instances.size());
    for (const auto& selection : result->selections) {
      claims_[selection.instance] = {selection.chosen.host, selection.resources};
      CheckHost(selection.chosen.host, selection.resources);
    }
  }

  std::map<Uuid, Held>::iterator AnyClaim() {
    auto at = claims_.lower_bound(Uuid::Random());
    return at == claims_.end() ? claims_.begin() : at;
  }

  void Release() {
    if (claims_.empty()) return;
    const auto at = AnyClaim();
    ASSERT_TRUE(engine_.Release(at->first));
    claims_.erase(at);
  }

  void Move() {
    if (claims_.empty()) return;
    const auto at = AnyClaim();
    const std::string target = Name(static_cast<int>(Draw(kHosts)));
    const bool moves = at->second.host != target;
    const Status moved = engine_.MoveClaim(at->first, target);
    if (!moved.ok()) {
      ASSERT_EQ(moved.code(), Code::kResourceExhausted);
      return;
    }
    at->second.host = target;
    if (!moves) return;
    CheckHost(target, at->second.resources);
  }

  void ClaimDirectly() {
    const std::string host = Name(static_cast<int>(Draw(kHosts)));
    const auto flavor = RandomFlavor();
    const Uuid uuid = Uuid::Random();
    const Status claimed = engine_.Claim(uuid, host, flavor, {}, ClaimCheck::kCapacity);
    if (!claimed.ok()) {
      ASSERT_EQ(claimed.code(), Code::kResourceExhausted);
      return;
    }
    claims_[uuid] = {host, model::ResourcesOf(flavor)};
    CheckHost(host, claims_[uuid].resources);
  }

  Engine engine_{testing::DefaultPipeline()};
  std::mt19937_64 random_;
  std::map<Uuid, Held> claims_;
  std::map<std::string, model::Inventories> inventories_;
};

TEST(EngineProperty, NeverOvercommitsAndNeverMiscounts) {
  Ledger ledger(20261122);
  for (int i = 0; i < kOperations; ++i) {
    ASSERT_NO_FATAL_FAILURE(ledger.Step()) << "operation " << i;
    if (i % 10'000 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(ledger.CheckAll()) << "operation " << i;
  }
  ledger.CheckAll();
}

}  // namespace
}  // namespace kilonova::scheduler::core
