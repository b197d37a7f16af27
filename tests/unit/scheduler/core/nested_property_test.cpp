// SPDX-License-Identifier: Apache-2.0
// A million random claims and releases on hosts with nested providers: no provider ever holds more
// than its inventory allows, and what is used is the sum of the claims.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "scheduler/core/provider_trees.h"
#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

constexpr int kOperations = 1'000'000;
constexpr int kHosts = 6;

class Ledger {
 public:
  explicit Ledger(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < kHosts; ++i) Report(i);
    for (int i = 0; i < 24; ++i) requests_.push_back(RandomRequest());
  }

  void Step() {
    const auto kind = Draw(100);
    if (kind < 40) {
      Place();
    } else if (kind < 99 || Draw(20) != 0) {
      Release();
    } else {
      Report(static_cast<int>(Draw(kHosts)));
    }
  }

  void CheckSums() const {
    std::map<std::string, model::Resources> sums;
    for (const auto& [uuid, held] : claims_) {
      for (const auto& [name, amount] : held.second) sums[held.first][name] += amount;
    }
    for (int i = 0; i < kHosts; ++i) ASSERT_EQ(engine_.Usage(Name(i)).value(), sums[Name(i)]);
  }
  std::size_t placed() const { return placed_; }

 private:
  static std::string Name(int i) { return "h" + std::to_string(i); }
  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }

  // A host of its own shape, sometimes with less than is claimed already.
  void Report(int i) {
    HostState host = testing::Host(Name(i));
    host.inventories["VCPU"] = testing::Inv(static_cast<std::int64_t>(8 + Draw(24)));
    for (std::uint64_t n = 0; n < Draw(5); ++n) {
      NestedProvider nested;
      nested.name = "p" + std::to_string(n);
      if (n > 1) nested.parent = "p" + std::to_string(Draw(n));
      nested.inventories["VGPU"] = testing::Inv(static_cast<std::int64_t>(1 + Draw(6)));
      nested.inventories["VGPU"].max_unit = static_cast<std::int64_t>(1 + Draw(4));
      nested.inventories["CUSTOM_NIC"] = testing::Inv(static_cast<std::int64_t>(2 * (1 + Draw(4))));
      nested.inventories["CUSTOM_NIC"].step_size = static_cast<std::int64_t>(1 + Draw(2));
      if (n % 2 == 0) nested.traits = {"CUSTOM_FAST"};
      host.nested.push_back(std::move(nested));
    }
    ASSERT_TRUE(engine_.UpsertHost(host).ok());
    for (auto at = inventories_.begin(); at != inventories_.end();) {
      at = at->first.first == host.host ? inventories_.erase(at) : std::next(at);
    }
    for (const auto& [name, inventory] : host.inventories) {
      inventories_[{host.host, name}] = inventory;
    }
    for (const NestedProvider& nested : host.nested) {
      for (const auto& [name, inventory] : nested.inventories) {
        inventories_[{host.host, AtProvider(name, nested.name)}] = inventory;
      }
    }
  }

  std::shared_ptr<const ResourceRequest> RandomRequest() {
    ResourceRequest request;
    request.Group("").resources = {{"VCPU", static_cast<std::int64_t>(1 + Draw(3))},
                                   {"MEMORY_MB", 256}};
    if (Draw(3) == 0) request.Group("").resources["VGPU"] = static_cast<std::int64_t>(1 + Draw(2));
    for (std::uint64_t g = 0; g < Draw(3); ++g) {
      RequestGroup& group = request.Group(std::to_string(g + 1));
      group.resources[Draw(2) == 0 ? "VGPU" : "CUSTOM_NIC"] =
          static_cast<std::int64_t>(1 + Draw(2));
      if (Draw(3) == 0) group.required_traits.insert("CUSTOM_FAST");
    }
    request.group_policy = Draw(2) == 0 ? "none" : "isolate";
    return std::make_shared<const ResourceRequest>(std::move(request));
  }

  void Place() {
    PlacementRequest request = testing::Request(testing::SmallFlavor());
    request.resource_request = requests_[Draw(requests_.size())];
    const auto result = engine_.Place(request, {.alternates = 0});
    ASSERT_TRUE(result.ok()) << result.status();
    if (!result->placed()) return;
    ++placed_;
    const Selection& selection = result->selections[0];
    claims_[selection.instance] = {selection.chosen.host, selection.resources};
    const auto used = engine_.Usage(selection.chosen.host).value();
    std::int64_t gpus = 0;
    for (const auto& [name, amount] : selection.resources) {
      const auto& inventory = inventories_.at({selection.chosen.host, name});
      ASSERT_LE(used.at(name), inventory.Capacity()) << name;
      ASSERT_LE(amount, inventory.max_unit) << name;
      ASSERT_EQ(amount % inventory.step_size, 0) << name;
      if (name.starts_with("VGPU")) gpus += amount;
    }
    const auto wanted = request.resource_request->MergedResources();
    const auto of_gpus = wanted.find("VGPU");
    ASSERT_EQ(gpus, of_gpus == wanted.end() ? 0 : of_gpus->second);
  }

  void Release() {
    if (claims_.empty()) return;
    auto at = claims_.lower_bound(Uuid::Random());
    if (at == claims_.end()) at = claims_.begin();
    ASSERT_TRUE(engine_.Release(at->first));
    claims_.erase(at);
  }

  Engine engine_{testing::DefaultPipeline()};
  std::mt19937_64 random_;
  std::vector<std::shared_ptr<const ResourceRequest>> requests_;
  std::map<Uuid, std::pair<std::string, model::Resources>> claims_;
  std::map<std::pair<std::string, std::string>, model::Inventory> inventories_;
  std::size_t placed_ = 0;
};

TEST(NestedProperty, NoProviderHoldsMoreThanItHas) {
  Ledger ledger(20261125);
  for (int i = 0; i < kOperations; ++i) {
    ASSERT_NO_FATAL_FAILURE(ledger.Step()) << "operation " << i;
    if (i % 5'000 == 0) {
      ASSERT_NO_FATAL_FAILURE(ledger.CheckSums()) << "operation " << i;
    }
  }
  ledger.CheckSums();
  EXPECT_GT(ledger.placed(), 100'000U);
}

}  // namespace
}  // namespace kilonova::scheduler::core
