// SPDX-License-Identifier: Apache-2.0
// Requests that seem to want a look at the whole fleet: draws among the best hosts, what nests in
// hosts or is shared by them, weighers that may refuse or that look at the request. One instance
// after the other, placed and released again, and as many at once as a gang.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"
#include "tests/bench/cpu_seconds.h"
#include "tests/bench/scheduler/fleets.h"

namespace kilonova::scheduler::bench {
namespace {

using Clock = std::chrono::steady_clock;

enum class Wide {
  kShuffle,       // shuffle_best_same_weighed_hosts
  kShuffleAlike,  // where all hosts are equally best
  kSubset,        // host_subset_size 3
  kNestedRare,    // a VGPU, which one host in a hundred has
  kNestedAll,     // which all hosts have
  kShared,        // disk, which hosts share
  kMetrics,       // metrics that are required, which all hosts report
  kBalance,       // BalanceWeigher
  kCrossCell,     // a move that may leave its cell
};

std::unique_ptr<core::Engine> EngineFor(Wide wide) {
  core::Pipeline pipeline;
  pipeline.filters = filters::MakeFilters(filters::DefaultFilters(), {}).value();
  auto names = weighers::DefaultWeighers();
  weighers::WeigherOptions options;
  if (wide == Wide::kMetrics) options.metrics_weight_setting = {"cpu.frequency=1.0"};
  if (wide == Wide::kBalance) names.emplace_back("BalanceWeigher");
  pipeline.weighers = weighers::MakeWeighers(names, options).value();
  pipeline.shuffle_best = wide == Wide::kShuffle || wide == Wide::kShuffleAlike;
  pipeline.host_subset_size = wide == Wide::kSubset ? 3 : 1;
  return std::make_unique<core::Engine>(std::move(pipeline));
}

model::Inventory Inv(std::int64_t total) {
  model::Inventory inventory;
  inventory.total = total;
  return inventory;
}

core::HostState HostFor(Wide wide, std::int64_t number, Cloud& cloud) {
  core::HostState host = cloud.Host(number);
  if (wide == Wide::kNestedAll || (wide == Wide::kNestedRare && number % 100 == 7)) {
    for (int i = 0; i < 2; ++i) {
      host.nested.push_back(
          {.name = "gpu-" + std::to_string(i), .inventories = {{"VGPU", Inv(16)}}});
    }
  }
  if (wide == Wide::kShared) {
    host.inventories.erase("DISK_GB");
    host.aggregates = {{.id = number % 10, .name = "pool", .uuid = std::to_string(number % 10)}};
  }
  if (wide == Wide::kMetrics)
    host.metrics["cpu.frequency"] = 2000 + static_cast<double>(number % 7);
  if (wide == Wide::kCrossCell && number % 2 == 0) host.cell = "cell2";
  return host;
}

void Widen(Wide wide, core::PlacementRequest& request) {
  request.availability_zone = "";
  if (wide == Wide::kCrossCell) {
    request.requested_destination = core::RequestedDestination{.cell = "cell2"};
    request.requested_destination->allow_cross_cell_move = true;
  }
  const bool nested = wide == Wide::kNestedRare || wide == Wide::kNestedAll;
  if (!nested && wide != Wide::kShared) return;
  core::ResourceRequest resources;
  core::RequestGroup& group = resources.Group("");
  group.resources = model::ResourcesOf(request.flavor);
  if (nested) group.resources["VGPU"] = 1;
  request.resource_request = std::make_shared<const core::ResourceRequest>(std::move(resources));
}

void SetUp(Wide wide, core::Engine& engine, Cloud& cloud, std::int64_t hosts,
           benchmark::State& state) {
  for (std::int64_t i = 0; i < hosts; ++i) {
    if (!engine.UpsertHost(HostFor(wide, i, cloud)).ok()) state.SkipWithError("no host");
  }
  for (int i = 0; wide == Wide::kShared && i < 10; ++i) {
    core::SharingProvider pool{.name = "pool" + std::to_string(i),
                               .inventories = {{"DISK_GB", Inv(2'000'000'000)}},
                               .aggregates = {std::to_string(i)}};
    if (!engine.UpsertSharingProvider(pool).ok()) state.SkipWithError("no pool");
  }
  cloud.Fill();
  static_cast<void>(engine.DryRun(cloud.Request()));
}

Kind FleetOf(Wide wide) { return wide == Wide::kShuffleAlike ? Kind::kAlike : Kind::kMixed; }

void BM_Wide(benchmark::State& state, Wide wide) {
  const auto engine = EngineFor(wide);
  Cloud cloud(*engine, FleetOf(wide), state.range(0));
  SetUp(wide, *engine, cloud, state.range(0), state);
  std::vector<double> took_us;
  double cpu = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto request = cloud.Request();
    Widen(wide, request);
    state.ResumeTiming();
    const double before = kilonova::bench::CpuSeconds();
    const auto start = Clock::now();
    const auto result = engine->Place(request, {.alternates = 2});
    took_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    cpu += kilonova::bench::CpuSeconds() - before;
    state.PauseTiming();
    if (!result.ok() || !result->placed()) state.SkipWithError("not placed");
    engine->Release(request.instances[0]);
    state.ResumeTiming();
  }
  state.counters["cpu_us"] = cpu * 1e6 / static_cast<double>(took_us.size());
  state.counters["first_us"] = took_us[0];
  std::ranges::sort(took_us);
  state.counters["p50_us"] = took_us[took_us.size() / 2];
  state.counters["p99_us"] = took_us[(took_us.size() - 1) * 99 / 100];
}
#define WIDE(wide)                             \
  BENCHMARK_CAPTURE(BM_Wide, wide, Wide::wide) \
      ->Arg(10'000)                            \
      ->Arg(100'000)                           \
      ->Iterations(100)                        \
      ->Unit(benchmark::kMicrosecond)
WIDE(kShuffle);
WIDE(kShuffleAlike);
WIDE(kSubset);
WIDE(kNestedRare);
WIDE(kNestedAll);
WIDE(kShared);
WIDE(kMetrics);
WIDE(kBalance);
WIDE(kCrossCell);

void BM_WideGang(benchmark::State& state, Wide wide) {
  const auto engine = EngineFor(wide);
  Cloud cloud(*engine, FleetOf(wide), state.range(0));
  SetUp(wide, *engine, cloud, state.range(0), state);
  double cpu = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto request = cloud.Request();
    Widen(wide, request);
    for (int i = 1; i < state.range(1); ++i) request.instances.push_back(Uuid::Random());
    state.ResumeTiming();
    const double before = kilonova::bench::CpuSeconds();
    const auto result = engine->DryRun(request);
    cpu += kilonova::bench::CpuSeconds() - before;
    if (!result.ok() || !result->placed()) state.SkipWithError("not placed");
  }
  state.counters["cpu_ms"] = cpu * 1000 / static_cast<double>(state.iterations());
}
#define WIDE_GANG(wide)                            \
  BENCHMARK_CAPTURE(BM_WideGang, wide, Wide::wide) \
      ->ArgNames({"hosts", "instances"})           \
      ->Args({10'000, 100})                        \
      ->Args({10'000, 1000})                       \
      ->Args({100'000, 100})                       \
      ->Args({100'000, 1000})                      \
      ->Iterations(1)                              \
      ->Unit(benchmark::kMillisecond)
WIDE_GANG(kShuffle);
WIDE_GANG(kShuffleAlike);
WIDE_GANG(kSubset);
WIDE_GANG(kNestedRare);
WIDE_GANG(kNestedAll);
WIDE_GANG(kShared);
WIDE_GANG(kMetrics);
WIDE_GANG(kBalance);

}  // namespace
}  // namespace kilonova::scheduler::bench
