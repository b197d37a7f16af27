// SPDX-License-Identifier: Apache-2.0
// A million random operations against a plain model of the ledger: whatever happens, the engine's
// sums are the sums of its claims; no placement ever takes more than an inventory allows, nor more
// CPUs of its own or devices than the host has, and none breaks its server group's policy.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

constexpr int kOperations = 1'000'000;
constexpr int kHosts = 24;
constexpr std::int64_t kPinnable = 8;  // CPUs of each host, in two cells
constexpr std::int64_t kDevices = 3;   // of each host

Pipeline HardwarePipeline() {
  Pipeline pipeline = testing::DefaultPipeline();
  auto names = filters::DefaultFilters();
  names.emplace_back("NUMATopologyFilter");
  pipeline.filters = filters::MakeFilters(names, {}).value();
  return pipeline;
}

hardware::HostNumaTopology TwoCells() {
  hardware::HostNumaTopology topology;
  for (const hardware::CpuId first : {0, 4}) {
    hardware::HostNumaCell cell;
    cell.id = first / 4;
    cell.memory = 8192;
    for (hardware::CpuId cpu = first; cpu < first + 4; ++cpu) {
      cell.pcpuset.Add(cpu);
      cell.siblings.push_back({cpu});
    }
    cell.mempages.push_back({.size_kb = 4, .total = 8192 * 256});
    topology.cells.push_back(cell);
  }
  return topology;
}

class Ledger {
 public:
  explicit Ledger(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < kHosts; ++i) Report(i);
    for (Group& group : groups_) group = NewGroup();
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

  std::int64_t HardPlaced() const { return hard_placed_; }

  void CheckAll() {
    std::map<std::string, model::Resources> sums;
    std::map<std::string, Taken> taken;
    for (const auto& [uuid, held] : claims_) {
      taken[held.host].pinned += held.taken.pinned;
      taken[held.host].devices += held.taken.devices;
      for (const auto& [name, amount] : held.resources) sums[held.host][name] += amount;
      const auto record = engine_.GetClaim(uuid);
      ASSERT_TRUE(record);
      ASSERT_EQ(record->host, held.host);
      ASSERT_EQ(record->resources, held.resources);
    }
    for (int i = 0; i < kHosts; ++i) {
      ASSERT_EQ(engine_.Usage(Name(i)).value(), sums[Name(i)]) << Name(i);
      ASSERT_LE(taken[Name(i)].pinned, kPinnable) << Name(i);
      ASSERT_LE(taken[Name(i)].devices, kDevices) << Name(i);
    }
  }

 private:
  // Of a host's hardware.
  struct Taken {
    std::int64_t pinned = 0, devices = 0;
    friend bool operator==(const Taken&, const Taken&) = default;
  };
  struct Held {
    std::string host;
    model::Resources resources;
    Taken taken{};
    bool grouped = false;
  };
  struct Group {
    std::string policy;
    std::int64_t most = 1;  // with anti-affinity, on one host
    std::set<Uuid> members;
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
    host.numa_topology = TwoCells();
    host.pci_device_pools = {{.vendor_id = "10de", .product_id = "20b5", .count = kDevices}};
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

  Group NewGroup() {
    constexpr const char* kPolicies[] = {"affinity", "anti-affinity", "soft-affinity",
                                         "soft-anti-affinity"};
    return {kPolicies[Draw(4)], static_cast<std::int64_t>(1 + Draw(2)), {}};
  }

  std::map<std::string, std::int64_t> HostsOf(const Group& group) const {
    std::map<std::string, std::int64_t> hosts;
    for (const Uuid& uuid : group.members) ++hosts[claims_.at(uuid).host];
    return hosts;
  }

  Taken AskForHardware(PlacementRequest& request) {
    Taken taken;
    if (Draw(6) == 0) {
      taken.pinned = static_cast<std::int64_t>(1 + Draw(3));
      hardware::InstanceNumaCell cell;
      cell.memory = 256;
      cell.cpu_policy = hardware::CpuPolicy::kDedicated;
      for (hardware::CpuId cpu = 0; cpu < taken.pinned; ++cpu) cell.pcpuset.Add(cpu);
      request.numa_topology = {.cells = {cell}};
    }
    if (Draw(6) == 0) {
      taken.devices = static_cast<std::int64_t>(1 + Draw(2));
      hardware::PciRequest device;
      device.count = taken.devices;
      device.spec = {{{"vendor_id", "10de"}}};
      request.pci_requests = {device};
    }
    return taken;
  }

  void AskForGroup(const Group& group, PlacementRequest& request) const {
    auto& asked = request.instance_group.emplace();
    asked.policy = group.policy;
    asked.max_server_per_host = group.most;
    asked.members.assign(group.members.begin(), group.members.end());
    for (const Uuid& uuid : request.instances) asked.members.push_back(uuid);
    for (const auto& [host, members] : HostsOf(group)) asked.hosts.push_back(host);
  }

  void CheckGroup(const Group& group) const {
    const auto hosts = HostsOf(group);
    if (group.policy == "affinity") {
      ASSERT_LE(hosts.size(), 1U);
    }
    if (group.policy != "anti-affinity") return;
    for (const auto& [host, members] : hosts) ASSERT_LE(members, group.most) << host;
  }

  void AskForHints(PlacementRequest& request) {
    if (Draw(12) == 0) request.ignore_hosts = {Name(static_cast<int>(Draw(kHosts)))};
    if (Draw(20) == 0) request.forced_host = Name(static_cast<int>(Draw(kHosts)));
    if (claims_.empty() || Draw(12) != 0) return;
    request.hints[Draw(2) == 0 ? "same_host" : "different_host"] = {AnyClaim()->first.str()};
  }

  void Place() {
    auto request = testing::Request(RandomFlavor(), 1 + Draw(3));
    Group* const group = Draw(4) == 0 ? &groups_[Draw(groups_.size())] : nullptr;
    if (group != nullptr && group->members.size() > 20) *group = NewGroup();
    if (group != nullptr) AskForGroup(*group, request);
    // Forced to a host, filters are skipped: hardware and policies may be overrun.
    Taken taken;
    if (group == nullptr) AskForHints(request);
    if (request.forced_host.empty()) taken = AskForHardware(request);
    const auto result = engine_.Place(request, {.alternates = Draw(3)});
    ASSERT_TRUE(result.ok()) << result.status();
    if (!result->placed()) {
      for (const auto& uuid : request.instances) ASSERT_FALSE(engine_.GetClaim(uuid));
      return;
    }
    ASSERT_EQ(result->selections.size(), request.instances.size());
    for (const auto& selection : result->selections) {
      claims_[selection.instance] = {selection.chosen.host, selection.resources, taken,
                                     group != nullptr};
      if (group != nullptr) group->members.insert(selection.instance);
      CheckHost(selection.chosen.host, selection.resources);
      CheckHardware(selection.chosen.host);
    }
    if (group != nullptr) CheckGroup(*group);
    if (group != nullptr || taken != Taken{}) ++hard_placed_;
  }

  void CheckHardware(const std::string& host) const {
    Taken sum;
    for (const auto& [uuid, held] : claims_) {
      if (held.host != host) continue;
      sum.pinned += held.taken.pinned;
      sum.devices += held.taken.devices;
    }
    ASSERT_LE(sum.pinned, kPinnable) << host;
    ASSERT_LE(sum.devices, kDevices) << host;
  }

  std::map<Uuid, Held>::iterator AnyClaim() {
    auto at = claims_.lower_bound(Uuid::Random());
    return at == claims_.end() ? claims_.begin() : at;
  }

  void Release() {
    if (claims_.empty()) return;
    const auto at = AnyClaim();
    ASSERT_TRUE(engine_.Release(at->first));
    for (Group& group : groups_) group.members.erase(at->first);
    claims_.erase(at);
  }

  void Move() {
    if (claims_.empty()) return;
    const auto at = AnyClaim();
    // A claim is moved by those who know: neither its group nor its hardware is asked about.
    if (at->second.grouped || at->second.taken != Taken{}) return;
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
    claims_[uuid] = {host, model::ResourcesOf(flavor), {}, false};
    CheckHost(host, claims_[uuid].resources);
  }

  Engine engine_{HardwarePipeline()};
  std::mt19937_64 random_;
  std::map<Uuid, Held> claims_;
  std::array<Group, 4> groups_;
  std::int64_t hard_placed_ = 0;  // with hardware or of a group
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
  EXPECT_GT(ledger.HardPlaced(), 20'000);
}

}  // namespace
}  // namespace kilonova::scheduler::core
