// SPDX-License-Identifier: Apache-2.0
// One random world: its settings, its hosts, and what is asked of them.
#pragma once

#include <cstdlib>
#include <random>
#include <set>

#include "tests/unit/scheduler/core/builders.h"

namespace kilonova::scheduler::core::testing {

// One of gangs has many hosts that are alike or weigh alike, and requests of some hundred
// instances. A hard one has all filters and requests with server groups, hints, destinations, NUMA
// cells and PCI devices. A recurring one has one cell and few kinds of requests, so that lists of
// contenders live long. Any of them may draw among the best hosts, or have providers nested in
// hosts and shared by them.
class World {
 public:
  enum class Kind { kAny, kGangs, kHard, kHardGangs, kRecurring };

 protected:
  World(std::uint64_t seed, Kind kind)
      : random_(seed),
        gangs_(kind == Kind::kGangs || kind == Kind::kHardGangs),
        hard_(kind == Kind::kHard || kind == Kind::kHardGangs),
        recurring_(kind == Kind::kRecurring) {
    draw_seed_ = random_();
    if (hard_) DrawFilters();
    subset_ = Draw(4) == 0 ? 1 + Draw(5) : 1;
    if (subset_ > 1 && Draw(8) == 0) subset_ = 100;
    shuffles_ = Draw(4) == 0;
    nested_ = Draw(4) == 0;
    shared_ = nested_ && Draw(3) == 0;
    metrics_ = Draw(8) == 0;
    multipliers_ = RandomMultipliers();
    odd_units_ = Draw(4) == 0;
    own_aggregates_ = !recurring_ && Draw(3) == 0;
    few_states_ = gangs_ || Draw(2) == 0;
    most_hosts_ = Draw(8) == 0 ? 400 : 2 + Draw(gangs_ ? 250 : 60);
  }
  virtual ~World() = default;
  void DrawKinds() {
    for (int i = 0; i < 4; ++i) flavors_.push_back(RandomFlavor());
    for (int i = 0; i < 3; ++i) groups_.push_back(RandomGroup());
  }

  // Where an instance holds a claim.
  virtual std::optional<std::string> HostOf(const Uuid& uuid) const = 0;

  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }
  std::int64_t Pick(std::initializer_list<std::int64_t> values) {
    return *(values.begin() + Draw(values.size()));
  }
  std::string RandomHost() { return "h" + std::to_string(Draw(most_hosts_)); }
  const Uuid& AnyClaim() { return claims_[Draw(claims_.size())]; }

  std::unique_ptr<Engine> MakeEngine(bool full_scan) const {
    Pipeline pipeline = DefaultPipeline();
    if (hard_) pipeline.filters = filters::MakeFilters(filters_, filter_options_).value();
    weighers::WeigherOptions options;
    for (const auto& [name, value] : multipliers_) options.multipliers[name] = value;
    if (metrics_) options.metrics_weight_setting = {"load=-1.0"};
    pipeline.weighers = weighers::MakeWeighers(weighers_, options).value();
    pipeline.seed = draw_seed_;
    pipeline.host_subset_size = subset_;
    pipeline.shuffle_best = shuffles_;
    pipeline.shuffle_seed = draw_seed_ + 1;
    pipeline.full_scan = full_scan;
    return std::make_unique<Engine>(std::move(pipeline));
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

  HostState RandomHostState() {
    HostState host = Host(RandomHost());
    host.cell = !recurring_ && Draw(4) == 0 ? "cell2" : "cell1";
    host.up = Draw(10) != 0;
    host.enabled = Draw(12) != 0;
    const std::int64_t size = few_states_ ? Pick({4, 8}) : static_cast<std::int64_t>(2 + Draw(30));
    host.inventories = {{"VCPU", Inv(size, Draw(2) == 0 ? 1.0 : 1.5)},
                        {"MEMORY_MB", Inv(size * 1024, 1.0, Pick({0, 0, 512}))},
                        {"DISK_GB", Inv(Pick({20, 50, 100, 100}))}};
    if (Draw(20) == 0) host.inventories.erase("DISK_GB");
    if (Draw(6) == 0) host.inventories["CUSTOM_THING"] = Inv(Pick({1, 2, 5}));
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
    if (metrics_ && Draw(2 * most_hosts_) != 0) host.metrics["load"] = static_cast<double>(Draw(3));
    if (nested_) Nest(host);
    if (hard_) Harden(host);
    return host;
  }

  // With providers that nest in it, and disk that it may share instead of its own.
  void Nest(HostState& host) {
    host.uuid = Draw(10) == 0 ? "" : "uuid-" + host.host;
    for (std::uint64_t providers = Draw(3) == 0 ? Draw(3) : 0; providers > 0; --providers) {
      NestedProvider nested;
      nested.name = "gpu" + std::to_string(providers);
      nested.inventories["VGPU"] = Inv(Pick({1, 2, 8}));
      nested.inventories["VGPU"].max_unit = Pick({1, 8});
      if (Draw(8) == 0) nested.inventories["VCPU"] = Inv(4);
      if (Draw(2) == 0) nested.traits = {"CUSTOM_FAST"};
      host.nested.push_back(std::move(nested));
    }
    if (Draw(12) == 0) host.inventories["VGPU"] = Inv(2);
    if (Draw(6) == 0) host.traits.emplace_back("CUSTOM_FAST");
    if (Draw(3) == 0) host.aggregates.push_back({3, "pool", {}, Draw(2) == 0 ? "a" : "b"});
    if (shared_ && Draw(2) == 0) host.inventories.erase("DISK_GB");
  }

  SharingProvider RandomPool() {
    return {.name = Draw(2) == 0 ? "one" : "two",
            .inventories = {{"DISK_GB", Inv(Pick({5, 100, 100000}))}},
            .aggregates = {Draw(2) == 0 ? "a" : "b"}};
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

  model::Flavor RandomFlavor() {
    const std::int64_t vcpus = Pick({1, 1, 2, 3, 4});
    model::Flavor flavor = SmallFlavor(vcpus, vcpus * Pick({256, 512, 1024}), Pick({0, 1, 5, 10}));
    if (Draw(8) == 0) flavor.extra_specs["capabilities:hypervisor_type"] = "QEMU";
    return flavor;
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

  std::mt19937_64 random_;
  bool gangs_ = false, hard_ = false, recurring_ = false;
  std::uint64_t draw_seed_ = 0;
  std::size_t subset_ = 1;
  bool shuffles_ = false, nested_ = false, shared_ = false, metrics_ = false;
  std::map<std::string, double> multipliers_;
  bool addresses_ = true, siblings_ = true, few_cells_ = false;
  std::vector<std::string> filters_;
  std::vector<std::string> weighers_ = weighers::DefaultWeighers();
  filters::FilterOptions filter_options_;
  std::uint64_t device_kinds_ = 2;
  bool odd_units_ = false, own_aggregates_ = false, few_states_ = false;
  std::uint64_t most_hosts_ = 0;
  std::vector<model::Flavor> flavors_;
  std::vector<InstanceGroup> groups_;
  Uuid foreign_ = Uuid::Random();  // one that runs on hosts without a claim
  std::vector<Uuid> claims_;
};

}  // namespace kilonova::scheduler::core::testing
