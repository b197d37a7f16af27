// SPDX-License-Identifier: Apache-2.0
// Placement decisions with claim, one thread, default filters and weighers, mixed flavors, over a
// fleet of mixed hosts kept about half full. Reports decisions a second, p50 and p99 of one
// decision, and the bytes the fleet takes per host.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>

#include "scheduler/core/engine.h"
#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"

namespace kilonova::scheduler {
namespace {

using core::Engine;

model::Inventory Inv(std::int64_t total, double ratio) {
  model::Inventory inventory;
  inventory.total = total;
  inventory.allocation_ratio = ratio;
  return inventory;
}

core::HostState MakeHost(std::int64_t number, std::mt19937_64& random) {
  constexpr std::int64_t kSizes[] = {16, 32, 64, 128};
  const std::int64_t vcpus = kSizes[random() % 4];
  core::HostState host;
  host.host = "compute-" + std::to_string(number);
  host.uuid = Uuid::Random().str();
  host.cell = "cell1";
  host.up = random() % 50 != 0;
  host.availability_zone = number % 3 == 0 ? "az1" : "az2";
  host.inventories = {{"VCPU", Inv(vcpus, 4.0)},
                      {"MEMORY_MB", Inv(vcpus * 4096, 1.0)},
                      {"DISK_GB", Inv(vcpus * 40, 1.0)}};
  host.hypervisor_type = "QEMU";
  host.hypervisor_version = 7002000;
  host.cpu_info = R"({"arch": "x86_64", "topology": {"cores": 8, "sockets": 2}})";
  host.supported_instances = {{"x86_64", "qemu", "hvm"}, {"x86_64", "kvm", "hvm"}};
  host.traits = {"HW_CPU_X86_AVX2", "HW_CPU_X86_SSE42"};
  return host;
}

core::PlacementRequest MakeRequest(std::mt19937_64& random) {
  constexpr std::int64_t kVcpus[] = {1, 1, 2, 2, 4, 8};
  core::PlacementRequest request;
  request.flavor.vcpus = kVcpus[random() % 6];
  request.flavor.memory_mb = request.flavor.vcpus * 2048;
  request.flavor.root_gb = 20;
  request.image_properties = {{"hw_architecture", "x86_64"}};
  if (random() % 4 == 0) request.availability_zone = "az1";
  request.instances = {Uuid::Random()};
  return request;
}

void BM_Place(benchmark::State& state) {
  const std::int64_t hosts = state.range(0);
  std::mt19937_64 random(1);
  core::Pipeline pipeline;
  pipeline.filters = filters::MakeFilters(filters::DefaultFilters(), {}).value();
  pipeline.weighers = weighers::MakeWeighers(weighers::DefaultWeighers(), {}).value();
  Engine engine(std::move(pipeline));
  for (std::int64_t i = 0; i < hosts; ++i) {
    if (!engine.UpsertHost(MakeHost(i, random)).ok()) state.SkipWithError("host refused");
  }
  const double per_host = static_cast<double>(engine.MemoryBytes()) / static_cast<double>(hosts);

  std::deque<Uuid> placed;
  std::vector<double> took_us;
  for (auto _ : state) {
    state.PauseTiming();
    const core::PlacementRequest request = MakeRequest(random);
    state.ResumeTiming();
    const auto start = std::chrono::steady_clock::now();
    const auto result = engine.Place(request);
    const auto end = std::chrono::steady_clock::now();
    state.PauseTiming();
    took_us.push_back(std::chrono::duration<double, std::micro>(end - start).count());
    if (!result.ok() || !result->placed()) state.SkipWithError("not placed");
    placed.push_back(request.instances[0]);
    if (placed.size() > static_cast<std::size_t>(hosts) * 8) {
      engine.Release(placed.front());
      placed.pop_front();
    }
    state.ResumeTiming();
  }
  std::ranges::sort(took_us);
  const auto at = [&](double part) {
    return took_us[static_cast<std::size_t>(part * static_cast<double>(took_us.size() - 1))];
  };
  double sum = 0;
  for (const double us : took_us) sum += us;
  state.counters["decisions_per_s"] = static_cast<double>(took_us.size()) / (sum * 1e-6);
  state.counters["p50_us"] = at(0.50);
  state.counters["p99_us"] = at(0.99);
  state.counters["bytes_per_host"] = per_host;
}
BENCHMARK(BM_Place)->Arg(1000)->Arg(10000)->Arg(100000)->Unit(benchmark::kMicrosecond);

void BM_ExplainRefusal(benchmark::State& state) {
  std::mt19937_64 random(1);
  core::Pipeline pipeline;
  pipeline.filters = filters::MakeFilters(filters::DefaultFilters(), {}).value();
  pipeline.weighers = weighers::MakeWeighers(weighers::DefaultWeighers(), {}).value();
  Engine engine(std::move(pipeline));
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    if (!engine.UpsertHost(MakeHost(i, random)).ok()) state.SkipWithError("host refused");
  }
  auto request = MakeRequest(random);
  request.availability_zone = "az9";
  for (auto _ : state) benchmark::DoNotOptimize(engine.Explain(request, 100));
}
BENCHMARK(BM_ExplainRefusal)->Arg(1000)->Arg(100000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kilonova::scheduler
