// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/scheduler/fleets.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"

namespace kilonova::scheduler::bench {
namespace {

// vCPUs, GiB of memory and TiB of disk of one host.
struct Sku {
  std::int64_t vcpus, memory_gb, disk_gb;
};
constexpr Sku kSkus[] = {
    {64, 256, 2000}, {32, 256, 1000}, {128, 256, 2000}, {64, 512, 4000}, {32, 128, 8000}};
// vCPUs, GiB of memory, GiB of disk.
constexpr Sku kFlavors[] = {{1, 1, 10}, {1, 2, 20},  {2, 4, 20},  {2, 8, 40},
                            {4, 8, 40}, {4, 16, 80}, {8, 16, 80}, {8, 32, 160}};

model::Inventory Inv(std::int64_t total, double ratio, std::int64_t reserved = 0) {
  model::Inventory inventory;
  inventory.total = total;
  inventory.allocation_ratio = ratio;
  inventory.reserved = reserved;
  return inventory;
}

void Must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::abort();
}

}  // namespace

std::unique_ptr<core::Engine> MakeEngine(bool full_scan) {
  core::Pipeline pipeline;
  pipeline.filters = filters::MakeFilters(filters::DefaultFilters(), {}).value();
  pipeline.weighers = weighers::MakeWeighers(weighers::DefaultWeighers(), {}).value();
  pipeline.full_scan = full_scan;
  return std::make_unique<core::Engine>(std::move(pipeline));
}

Cloud::Cloud(core::Engine& engine, Kind kind, std::int64_t hosts)
    : engine_(engine), kind_(kind), hosts_(hosts) {
  for (std::int64_t i = 0; i < hosts; ++i) Must(engine_.UpsertHost(Host(i)));
}

core::HostState Cloud::Host(std::int64_t number) {
  const bool mixed = kind_ == Kind::kMixed;
  Sku sku = kSkus[mixed ? static_cast<std::size_t>(number) % std::size(kSkus) : 0];
  if (kind_ == Kind::kDistinct) {
    // Shares of what all have together.
    const double a = static_cast<double>(random_() % 10'000 + 1);
    const double b = static_cast<double>(random_() % 10'000 + 1);
    const double c = static_cast<double>(random_() % 10'000 + 1);
    sku.vcpus = 4 + static_cast<std::int64_t>(180 * a / (a + b + c));
    sku.memory_gb = 8 + static_cast<std::int64_t>(700 * b / (a + b + c));
    sku.disk_gb = 100 + static_cast<std::int64_t>(6000 * c / (a + b + c));
  }
  core::HostState host;
  host.host = "compute-" + std::to_string(number);
  host.node = host.host + ".example.org";
  host.uuid = Uuid::Random().str();
  host.cell = "cell1";
  host.up = !mixed || random_() % 50 != 0;
  host.availability_zone = mixed ? "az" + std::to_string(number % 3) : "az0";
  host.inventories = {
      {"VCPU", Inv(sku.vcpus, 4.0)},
      {"MEMORY_MB",
       Inv(sku.memory_gb * 1024 +
               (kind_ == Kind::kDistinct ? static_cast<std::int64_t>(random_() % 1024) : 0),
           1.0, 512)},
      {"DISK_GB", Inv(sku.disk_gb, 1.0)}};
  host.hypervisor_type = "QEMU";
  host.hypervisor_version = 7002000;
  host.host_ip = "10.0." + std::to_string(number / 256 % 256) + "." + std::to_string(number % 256);
  host.cpu_info = R"({"arch": "x86_64", "topology": {"cores": 8, "sockets": 2}})";
  host.supported_instances = {{"x86_64", "qemu", "hvm"}, {"x86_64", "kvm", "hvm"}};
  host.traits = {"HW_CPU_X86_AVX2", "HW_CPU_X86_SSE42"};
  return host;
}

model::Flavor Cloud::Flavor() {
  const std::size_t number = random_() % std::size(kFlavors);
  const Sku& size = kFlavors[number];
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "m" + std::to_string(number);
  flavor.vcpus = size.vcpus;
  flavor.memory_mb = size.memory_gb * 1024;
  flavor.root_gb = size.disk_gb;
  return flavor;
}

core::PlacementRequest Cloud::Request() {
  core::PlacementRequest request;
  request.flavor = Flavor();
  request.image_properties = {{"hw_architecture", "x86_64"}};
  if (kind_ == Kind::kMixed && random_() % 4 == 0) {
    request.availability_zone = "az" + std::to_string(random_() % 3);
  }
  request.instances = {Uuid::Random()};
  return request;
}

std::vector<core::PlacementRequest> Cloud::Requests(std::size_t count) {
  std::vector<core::PlacementRequest> requests;
  requests.reserve(count);
  for (std::size_t i = 0; i < count; ++i) requests.push_back(Request());
  return requests;
}

void Cloud::Fill() {
  if (kind_ == Kind::kAlike) return;
  // A flavor takes 11 GiB on average, a host has at least 128.
  const std::int64_t count = hosts_ * (kind_ == Kind::kDistinct ? 3 : 10);
  for (std::int64_t i = 0; i < count; ++i) {
    const Uuid uuid = Uuid::Random();
    const std::string host =
        "compute-" + std::to_string(random_() % static_cast<std::uint64_t>(hosts_));
    const auto check = core::ClaimCheck::kCapacity;
    const Status claimed = engine_.Claim(uuid, host, Flavor(), {}, check);
    if (!claimed.ok()) continue;
    if (random_() % 20 != 0) engine_.BuildFinished(uuid);
    claims_.push_back(uuid);
  }
}

std::unique_ptr<core::Engine> NumaEngine() {
  core::Pipeline pipeline;
  auto names = filters::DefaultFilters();
  names.emplace_back("NUMATopologyFilter");
  pipeline.filters = filters::MakeFilters(names, {}).value();
  pipeline.weighers = weighers::MakeWeighers(weighers::DefaultWeighers(), {}).value();
  return std::make_unique<core::Engine>(std::move(pipeline));
}

hardware::HostNumaTopology TwoCells(hardware::CpuId free) {
  hardware::HostNumaTopology topology;
  for (hardware::CpuId first : {0, 16}) {
    hardware::HostNumaCell cell;
    cell.id = first / 16;
    cell.memory = 128 * 1024;
    for (hardware::CpuId cpu = first; cpu < first + 16; ++cpu) {
      cell.pcpuset.Add(cpu);
      cell.siblings.push_back({cpu});
      if (cpu < 32 - free) cell.pinned_cpus.Add(cpu);
    }
    cell.mempages.push_back({.size_kb = 4, .total = 128 * 1024 * 256});
    topology.cells.push_back(cell);
  }
  return topology;
}

hardware::InstanceNumaTopology FourPinned() {
  hardware::InstanceNumaCell cell;
  cell.pcpuset = {0, 1, 2, 3};
  cell.memory = 8 * 1024;
  cell.cpu_policy = hardware::CpuPolicy::kDedicated;
  return {.cells = {cell}};
}

}  // namespace kilonova::scheduler::bench
