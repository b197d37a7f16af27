// SPDX-License-Identifier: Apache-2.0
// The requests that are hard to decide, on a mixed fleet half full: a trait one host in a thousand
// has, a group whose members must be apart, and CPUs of its own in one NUMA cell. Each is placed
// and released again, so that the fleet stays as it was.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"
#include "tests/bench/scheduler/fleets.h"

namespace kilonova::scheduler::bench {
namespace {

using Clock = std::chrono::steady_clock;

enum class Hard { kRareTrait, kAntiAffinity, kPinned };

// Two cells of 16 CPUs.
hardware::HostNumaTopology TwoCells() {
  hardware::HostNumaTopology topology;
  for (hardware::CpuId first : {0, 16}) {
    hardware::HostNumaCell cell;
    cell.id = first / 16;
    cell.memory = 128 * 1024;
    for (hardware::CpuId cpu = first; cpu < first + 16; ++cpu) {
      cell.pcpuset.Add(cpu);
      cell.siblings.push_back({cpu});
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

std::unique_ptr<core::Engine> NumaEngine() {
  core::Pipeline pipeline;
  auto names = filters::DefaultFilters();
  names.emplace_back("NUMATopologyFilter");
  pipeline.filters = filters::MakeFilters(names, {}).value();
  pipeline.weighers = weighers::MakeWeighers(weighers::DefaultWeighers(), {}).value();
  return std::make_unique<core::Engine>(std::move(pipeline));
}

void Harden(Hard hard, const std::vector<std::string>& group_hosts,
            core::PlacementRequest& request) {
  request.availability_zone = "";
  if (hard == Hard::kRareTrait) {
    core::ResourceRequest resources;
    core::RequestGroup& group = resources.Group("");
    group.resources = model::ResourcesOf(request.flavor);
    group.AddTrait("CUSTOM_RARE", "required");
    request.resource_request = std::make_shared<const core::ResourceRequest>(std::move(resources));
  } else if (hard == Hard::kAntiAffinity) {
    request.instance_group.emplace();
    request.instance_group->policy = "anti-affinity";
    request.instance_group->members = request.instances;
    request.instance_group->hosts = group_hosts;
  } else {
    request.flavor.vcpus = 4;
    request.flavor.memory_mb = 8 * 1024;
    request.numa_topology = FourPinned();
  }
}

void BM_Hard(benchmark::State& state, Hard hard) {
  const std::int64_t hosts = state.range(0);
  const auto engine = hard == Hard::kPinned ? NumaEngine() : MakeEngine();
  Cloud cloud(*engine, Kind::kMixed, hosts);
  for (std::int64_t i = 0; i < hosts; ++i) {
    if (hard == Hard::kAntiAffinity || (hard == Hard::kRareTrait && i % 1000 != 7)) continue;
    auto host = cloud.Host(i);
    if (hard == Hard::kPinned) host.numa_topology = TwoCells();
    if (hard == Hard::kRareTrait) host.traits.emplace_back("CUSTOM_RARE");
    if (!engine->UpsertHost(host).ok()) state.SkipWithError("no host");
  }
  cloud.Fill();
  std::vector<std::string> group_hosts;
  for (int i = 0; i < 50; ++i) {
    group_hosts.push_back("compute-" + std::to_string(cloud.random()() % hosts));
  }
  static_cast<void>(engine->DryRun(cloud.Request()));
  std::vector<double> took_us;
  for (auto _ : state) {
    state.PauseTiming();
    auto request = cloud.Request();
    Harden(hard, group_hosts, request);
    state.ResumeTiming();
    const auto start = Clock::now();
    const auto result = engine->Place(request, {.alternates = 2});
    took_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    if (!result.ok() || !result->placed()) state.SkipWithError("not placed");
    state.PauseTiming();
    engine->Release(request.instances[0]);
    state.ResumeTiming();
  }
  std::ranges::sort(took_us);
  state.counters["p50_us"] = took_us[took_us.size() / 2];
  state.counters["p99_us"] = took_us[(took_us.size() - 1) * 99 / 100];
}
#define HARD(hard)                             \
  BENCHMARK_CAPTURE(BM_Hard, hard, Hard::hard) \
      ->Arg(1000)                              \
      ->Arg(10000)                             \
      ->Arg(100000)                            \
      ->Iterations(200)                        \
      ->Unit(benchmark::kMicrosecond)
HARD(kRareTrait);
HARD(kAntiAffinity);
HARD(kPinned);

}  // namespace
}  // namespace kilonova::scheduler::bench
