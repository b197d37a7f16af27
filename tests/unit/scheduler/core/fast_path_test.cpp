// SPDX-License-Identifier: Apache-2.0
// Two engines live the same life, one of them looking at every host for every decision: they must
// always answer alike, to the last alternate.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <set>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core {
namespace {

// One random world: its settings, then its life. One of gangs has many hosts that are alike or
// weigh alike, and requests of some hundred instances. A hard one has all filters and requests with
// server groups, hints, destinations, NUMA cells and PCI devices. A recurring one has one cell and
// few kinds of requests, so that lists of contenders live long.
class Twins {
 public:
  enum class World { kAny, kGangs, kHard, kHardGangs, kRecurring };
  explicit Twins(std::uint64_t seed, World world = World::kAny)
      : random_(seed),
        gangs_(world == World::kGangs || world == World::kHardGangs),
        hard_(world == World::kHard || world == World::kHardGangs),
        recurring_(world == World::kRecurring) {
    const std::uint64_t draw_seed = random_();
    if (hard_) DrawFilters();
    subset_ = !gangs_ && Draw(4) == 0 ? 1 + Draw(5) : 1;
    const auto multipliers = RandomMultipliers();
    fast_ = MakeEngine(multipliers, draw_seed, false);
    slow_ = MakeEngine(multipliers, draw_seed, true);
    odd_units_ = Draw(4) == 0;
    own_aggregates_ = !recurring_ && Draw(3) == 0;
    few_states_ = gangs_ || Draw(2) == 0;
    most_hosts_ = Draw(8) == 0 ? 400 : 2 + Draw(gangs_ ? 250 : 60);
    for (std::uint64_t i = 0; i < most_hosts_; ++i) Report();
    for (int i = 0; i < 4; ++i) flavors_.push_back(RandomFlavor());
    for (int i = 0; i < 3; ++i) groups_.push_back(RandomGroup());
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
    } else {
      RemoveHost();
    }
  }
  std::uint64_t Decisions() const { return decisions_; }
  std::uint64_t LargestGang() const { return largest_gang_; }

 private:
  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }
  std::int64_t Pick(std::initializer_list<std::int64_t> values) {
    return *(values.begin() + Draw(values.size()));
  }

  std::map<std::string, double> RandomMultipliers() {
    std::map<std::string, double> multipliers;
    constexpr double kValues[] = {-1.0, 0.0, 1.0, 0.3, 2.5, -0.1, 1e6, 1e-9};
    for (const char* name :
         {"ram_weight_multiplier", "cpu_weight_multiplier", "disk_weight_multiplier",
          "io_ops_weight_multiplier", "build_failure_weight_multiplier",
          "num_instances_weight_multiplier", "hypervisor_version_weight_multiplier"}) {
      weighers::WeigherOptions one;
      one.multipliers[name] = 1;
      if (!weighers::MakeWeighers({}, one).ok()) continue;
      if (Draw(3) == 0) multipliers[name] = kValues[Draw(std::size(kValues))];
    }
    return multipliers;
  }

  // Nova's own ones, or all but those that read too much for the fast way in some worlds.
  void DrawFilters() {
    filters_ = filters::DefaultFilters();
    for (const char* name :
         {"NUMATopologyFilter", "SimpleCIDRAffinityFilter", "JsonFilter", "IoOpsFilter",
          "NumInstancesFilter", "IsolatedHostsFilter", "AggregateMultiTenancyIsolation"}) {
      if (Draw(3) != 0) filters_.emplace(filters_.begin() + Draw(filters_.size() + 1), name);
    }
    filter_options_.max_io_ops_per_host = Pick({2, 8, 100});
    filter_options_.max_instances_per_host = Pick({3, 50, 500});
    filter_options_.isolated_hosts = {"h1", "h2"};
    filter_options_.isolated_images = {"isolated"};
    addresses_ = Draw(4) != 0;
    siblings_ = Draw(8) != 0;
    few_cells_ = Draw(2) == 0;
    device_kinds_ = static_cast<std::uint64_t>(Pick({2, 2, 4, 9}));
    if (Draw(2) == 0) {  // with these, hosts differ in as many values as keys are made of
      weighers_.insert(weighers_.end(), {"NumInstancesWeigher", "HypervisorVersionWeigher"});
    }
  }

  std::unique_ptr<Engine> MakeEngine(const std::map<std::string, double>& multipliers,
                                     std::uint64_t seed, bool full_scan) const {
    Pipeline pipeline = testing::DefaultPipeline();
    if (hard_) pipeline.filters = filters::MakeFilters(filters_, filter_options_).value();
    weighers::WeigherOptions options;
    for (const auto& [name, value] : multipliers) options.multipliers[name] = value;
    pipeline.weighers = weighers::MakeWeighers(weighers_, options).value();
    pipeline.seed = seed;
    pipeline.host_subset_size = subset_;
    pipeline.full_scan = full_scan;
    return std::make_unique<Engine>(std::move(pipeline));
  }

  std::string RandomHost() { return "h" + std::to_string(Draw(most_hosts_)); }

  void Report() {
    HostState host = testing::Host(RandomHost());
    host.cell = !recurring_ && Draw(4) == 0 ? "cell2" : "cell1";
    host.up = Draw(10) != 0;
    host.enabled = Draw(12) != 0;
    const std::int64_t size = few_states_ ? Pick({4, 8}) : static_cast<std::int64_t>(2 + Draw(30));
    host.inventories = {{"VCPU", testing::Inv(size, Draw(2) == 0 ? 1.0 : 1.5)},
                        {"MEMORY_MB", testing::Inv(size * 1024, 1.0, Pick({0, 0, 512}))},
                        {"DISK_GB", testing::Inv(Pick({20, 50, 100, 100}))}};
    if (Draw(20) == 0) host.inventories.erase("DISK_GB");
    if (Draw(6) == 0) host.inventories["CUSTOM_THING"] = testing::Inv(Pick({1, 2, 5}));
    if (odd_units_) {
      host.inventories["VCPU"].step_size = Pick({1, 1, 2});
      host.inventories["MEMORY_MB"].min_unit = Pick({1, 512, 1024});
      host.inventories["VCPU"].max_unit = Pick({2, 4, 100});
    }
    host.availability_zone = Draw(3) == 0 ? "" : "az" + std::to_string(Draw(3));
    if (Draw(4) == 0) host.aggregates.push_back({1, "one", {{"availability_zone", "az1"}}});
    if (own_aggregates_ && Draw(3) == 0) {
      constexpr const char* kValues[] = {"2", "-1.5", "0", "0.25", "nonsense"};
      host.aggregates.push_back({2, "two", {{"ram_weight_multiplier", kValues[Draw(5)]}}});
    }
    if (Draw(5) == 0) host.disk_available_least = static_cast<std::int64_t>(Draw(40)) - 5;
    if (Draw(8) == 0) host.hypervisor_version = 2000000;
    if (Draw(8) == 0) host.supported_instances = {{"aarch64", "qemu", "hvm"}};
    if (Draw(6) == 0) host.stats["io_workload"] = std::to_string(Draw(4));
    if (Draw(6) == 0) host.stats["failed_builds"] = std::to_string(Draw(3));
    if (hard_) Harden(host);
    ASSERT_EQ(fast_->UpsertHost(host), slow_->UpsertHost(host));
    hosts_.insert(host.host);
  }

  // With cells and devices, an address, instances of its own and a node that may be another's name.
  void Harden(HostState& host) {
    if (addresses_ || Draw(30) != 0) {
      host.host_ip = "10.0." + std::to_string(Draw(3)) + "." + std::to_string(Draw(250) + 1);
    }
    if (Draw(6) == 0) host.node = Draw(2) == 0 ? "n" + std::to_string(Draw(4)) : RandomHost();
    if (Draw(8) == 0) {
      host.stats["num_instances"] = std::to_string(Draw(4));
      if (!claims_.empty()) host.instances.push_back(AnyClaim());
      host.instances.push_back(foreign_);
    }
    if (Draw(5) != 0) host.numa_topology = RandomCells();
    for (std::uint64_t pools = Draw(3); pools > 0; --pools) {
      hardware::PciDevicePool pool{
          .vendor_id = "8086", .product_id = RandomDevice(), .count = Pick({1, 4})};
      if (Draw(20) == 0) pool.tags["product_id"] = RandomDevice();
      if (Draw(2) == 0) pool.numa_node = static_cast<std::int64_t>(Draw(2));
      host.pci_device_pools.push_back(pool);
    }
    for (const Uuid& uuid : claims_) {
      if (Draw(4) == 0) host.measured.push_back(uuid);
    }
  }

  std::string RandomDevice() { return "154" + std::to_string(Draw(device_kinds_)); }

  hardware::HostNumaTopology RandomCells() {
    hardware::HostNumaTopology topology;
    const std::int64_t cells = Pick({1, 2, 2, 4});
    const auto cpus = static_cast<hardware::CpuId>(few_cells_ ? 4 : Pick({2, 4, 6}));
    const bool threads = !few_cells_ && Draw(3) == 0;
    for (hardware::CpuId c = 0; c < cells; ++c) {
      hardware::HostNumaCell cell;
      cell.id = c;
      cell.memory = few_cells_ ? 4096 : Pick({1024, 4096, 16384});
      for (hardware::CpuId cpu = c * cpus; cpu < (c + 1) * cpus; ++cpu) {
        cell.pcpuset.Add(cpu);
        cell.cpuset.Add(cpu);
        if (!threads) cell.siblings.push_back({cpu});
        if (threads && cpu % 2 == 0) cell.siblings.push_back({cpu, cpu + 1});
      }
      if (!siblings_ && Draw(3) == 0) cell.siblings.clear();
      cell.mempages.push_back({.size_kb = 4, .total = cell.memory * 256});
      if (Draw(2) == 0) cell.mempages.push_back({.size_kb = 2048, .total = Pick({64, 512})});
      topology.cells.push_back(cell);
    }
    return topology;
  }

  std::optional<hardware::InstanceNumaTopology> RandomNuma() {
    hardware::InstanceNumaTopology topology;
    const std::int64_t cells = Pick({1, 1, 1, 2});
    const bool dedicated = Draw(3) != 0;
    const auto cpus = static_cast<hardware::CpuId>(Pick({1, 2}));
    const std::int64_t pages = Pick({0, 0, 4, 2048, hardware::kPagesAny, hardware::kPagesLarge});
    for (hardware::CpuId c = 0; c < cells; ++c) {
      hardware::InstanceNumaCell cell;
      cell.id = c;
      for (hardware::CpuId cpu = c * cpus; cpu < (c + 1) * cpus; ++cpu) {
        (dedicated ? cell.pcpuset : cell.cpuset).Add(cpu);
      }
      cell.memory = Pick({128, 512});
      if (pages != 0) cell.pagesize = pages;
      if (dedicated) cell.cpu_policy = hardware::CpuPolicy::kDedicated;
      topology.cells.push_back(cell);
    }
    return topology;
  }

  InstanceGroup RandomGroup() {
    constexpr const char* kPolicies[] = {"affinity", "anti-affinity", "soft-affinity",
                                         "soft-anti-affinity"};
    InstanceGroup group;
    group.uuid = Uuid::Random();
    group.policy = kPolicies[Draw(4)];
    if (Draw(2) == 0) group.max_server_per_host = Pick({1, 2, 3});
    return group;
  }

  // As the conductor fills them in: members of before, and those of this request.
  void Harden(PlacementRequest& request) {
    if (Draw(3) == 0) {
      if (Draw(10) == 0) groups_[Draw(3)] = RandomGroup();
      InstanceGroup& group = groups_[Draw(3)];
      for (const Uuid& uuid : request.instances) group.members.push_back(uuid);
      std::set<std::string> hosts;
      for (const Uuid& uuid : group.members) {
        if (const auto claim = fast_->GetClaim(uuid)) hosts.insert(claim->host);
      }
      group.hosts.assign(hosts.begin(), hosts.end());
      request.instance_group = group;
      request.hints["group"] = {group.uuid.str()};
    }
    if (Draw(4) == 0) request.numa_topology = RandomNuma();
    if (Draw(5) == 0) {
      hardware::PciRequest device;
      device.count = Pick({1, 2});
      device.spec = {{{"vendor_id", "8086"}, {"product_id", RandomDevice()}}};
      if (Draw(6) == 0) device.spec = {{{"vendor_id", "8086"}}};
      if (Draw(6) == 0) device.spec.push_back({{"product_id", RandomDevice()}});
      constexpr hardware::PciNumaPolicy kPolicies[] = {hardware::PciNumaPolicy::kRequired,
                                                       hardware::PciNumaPolicy::kLegacy,
                                                       hardware::PciNumaPolicy::kPreferred};
      device.numa_policy = kPolicies[Draw(3)];
      request.pci_requests = {device};
      if (Draw(4) == 0) {
        device.spec = {{{"product_id", RandomDevice()}}};
        request.pci_requests.push_back(device);
      }
    }
    if (Draw(12) == 0) request.ignore_hosts = {RandomHost(), RandomHost(), "H1"};
    if (Draw(25) == 0) request.forced_node = Draw(2) == 0 ? "n1" : RandomHost();
    if (Draw(25) == 0) request.check_type = CheckType::kOther;
    if (Draw(15) == 0) {
      request.requested_destination.emplace();
      if (Draw(2) == 0) request.requested_destination->host = RandomHost();
      if (Draw(2) == 0) request.requested_destination->cell = "cell2";
      request.requested_destination->allow_cross_cell_move = Draw(2) == 0;
      if (Draw(4) == 0) request.check_type = CheckType::kRebuild;
    }
    if (Draw(15) == 0) {
      request.hints["build_near_host_ip"] = {"10.0.1.7"};
      if (Draw(2) == 0) request.hints["cidr"] = {"/16"};
    }
    if (Draw(20) == 0) {
      request.hints["query"] = {R"([">=", "$free_ram_mb", 2048])"};
    }
    if (Draw(12) == 0) {
      std::vector<std::string> uuids = {foreign_.str()};
      if (!claims_.empty()) uuids.push_back(AnyClaim().str());
      request.hints[Draw(3) == 0 ? "same_host" : "different_host"] = uuids;
    }
    if (Draw(20) == 0) request.image_id = "isolated";
    if (Draw(25) == 0) request.instances[Draw(request.instances.size())] = foreign_;
  }

  model::Flavor RandomFlavor() {
    const std::int64_t vcpus = Pick({1, 1, 2, 3, 4});
    model::Flavor flavor =
        testing::SmallFlavor(vcpus, vcpus * Pick({256, 512, 1024}), Pick({0, 1, 5, 10}));
    if (Draw(8) == 0) flavor.extra_specs["capabilities:hypervisor_type"] = "QEMU";
    return flavor;
  }

  std::uint64_t Instances() {
    if (gangs_ && !hard_) return 1 + Draw(Draw(2) == 0 ? 400 : 40);
    if (gangs_) return 1 + Draw(Draw(4) == 0 ? 100 : 12);
    return Draw(8) == 0 ? 2 + Draw(Draw(4) == 0 ? 40 : 6) : 1;
  }

  // Of a few kinds, but now and then one that comes once.
  PlacementRequest RecurringRequest() {
    auto request = testing::Request(Draw(30) == 0 ? RandomFlavor() : flavors_[Draw(2)],
                                    Draw(30) == 0 ? 2 + Draw(4) : 1);
    if (Draw(4) == 0) request.availability_zone = "az1";
    if (Draw(20) == 0) request.ignore_hosts = {RandomHost()};
    return request;
  }

  PlacementRequest RandomRequest() {
    if (recurring_ && Draw(10) != 0) return RecurringRequest();
    auto request =
        testing::Request(Draw(10) == 0 ? RandomFlavor() : flavors_[Draw(4)], Instances());
    if (Draw(3) == 0) request.availability_zone = "az" + std::to_string(Draw(4));
    if (Draw(6) == 0) request.image_properties["hw_architecture"] = "x86_64";
    if (Draw(20) == 0) request.image_properties["img_hv_requested_version"] = ">=5.0";
    if (Draw(20) == 0) {
      request.resources = model::ResourcesOf(request.flavor);
      request.resources["CUSTOM_THING"] = 1;
    }
    if (Draw(20) == 0) request.resources = {{"CUSTOM_THING", 1}};
    if (Draw(30) == 0) request.resources = {{"CUSTOM_NOBODY_HAS", 1}};
    if (Draw(20) == 0) request.ignore_hosts = {RandomHost()};
    if (Draw(40) == 0) request.forced_host = RandomHost();
    if (Draw(20) == 0 && !claims_.empty()) {
      request.hints[Draw(2) == 0 ? "same_host" : "different_host"] = {AnyClaim().str()};
    }
    if (hard_) Harden(request);
    return request;
  }

  static std::string Describe(const PlacementRequest& request) {
    std::string text = std::to_string(request.instances.size()) + " instances";
    if (request.instance_group) text += ", group " + request.instance_group->policy;
    if (request.numa_topology) text += ", NUMA";
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

  const Uuid& AnyClaim() { return claims_[Draw(claims_.size())]; }

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

  std::mt19937_64 random_;
  std::size_t subset_ = 1;
  bool gangs_ = false;
  bool hard_ = false, recurring_ = false, addresses_ = true, siblings_ = true, few_cells_ = false;
  std::vector<std::string> filters_;
  std::vector<std::string> weighers_ = weighers::DefaultWeighers();
  filters::FilterOptions filter_options_;
  std::vector<InstanceGroup> groups_;
  Uuid foreign_ = Uuid::Random();  // one that runs on hosts without a claim
  std::uint64_t device_kinds_ = 2;
  bool odd_units_ = false, own_aggregates_ = false, few_states_ = false;
  std::uint64_t most_hosts_ = 0, decisions_ = 0, largest_gang_ = 0;
  std::unique_ptr<Engine> fast_, slow_;
  std::vector<model::Flavor> flavors_;
  std::set<std::string> hosts_;
  std::vector<Uuid> claims_;
};

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}

void Compare(Twins::World world, std::uint64_t decisions) {
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
  Compare(Twins::World::kAny, FromEnvironment("KILONOVA_DECISIONS", 40'000));
}

TEST(FastPath, AnswersRecurringRequestsAsTheFullScan) {
  Compare(Twins::World::kRecurring, FromEnvironment("KILONOVA_DECISIONS", 40'000));
}

TEST(FastPath, AnswersHardRequestsAsTheFullScan) {
  Compare(Twins::World::kHard, FromEnvironment("KILONOVA_DECISIONS", 40'000));
}

TEST(FastPath, AnswersHardGangsAsTheFullScan) {
  Compare(Twins::World::kHardGangs, FromEnvironment("KILONOVA_DECISIONS", 40'000) / 10);
}

TEST(FastPath, AnswersGangsAsTheFullScan) {
  const std::uint64_t worlds = FromEnvironment("KILONOVA_GANG_WORLDS", 40);
  const std::uint64_t first = FromEnvironment("KILONOVA_SEED", 20261125);
  std::uint64_t largest = 0;
  for (std::uint64_t seed = first; seed < first + worlds; ++seed) {
    SCOPED_TRACE("KILONOVA_SEED=" + std::to_string(seed));
    Twins twins(seed, Twins::World::kGangs);
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
