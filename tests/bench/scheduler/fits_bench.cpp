// SPDX-License-Identifier: Apache-2.0
// Questions to the whole fleet, and what others wait for the engine meanwhile: what fits, what
// would have to be different, the largest gang, pinned guests with Placement's second question.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/bench/cpu_seconds.h"
#include "tests/bench/scheduler/fleets.h"

namespace kilonova::scheduler::bench {
namespace {

using Clock = std::chrono::steady_clock;

double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Somebody who asks the engine for a trifle every millisecond, and how long it took at most.
class Other {
 public:
  explicit Other(const core::Engine& engine)
      : thread_([this, &engine](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            const auto start = Clock::now();
            benchmark::DoNotOptimize(engine.GetClaim(someone_));
            longest_ms_ = std::max(longest_ms_, MsSince(start));
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
        }) {}
  double LongestMs() {
    thread_.request_stop();
    thread_.join();
    return longest_ms_;
  }

 private:
  const Uuid someone_ = Uuid::Random();
  double longest_ms_ = 0;
  std::jthread thread_;
};

void AddCells(core::Engine& engine, Cloud& cloud, std::int64_t hosts, benchmark::State& state) {
  for (std::int64_t i = 0; i < hosts; ++i) {
    auto host = cloud.Host(i);
    host.numa_topology = TwoCells(32);
    model::Inventory pcpus;
    pcpus.total = 32;
    host.inventories["PCPU"] = pcpus;
    if (!engine.UpsertHost(host).ok()) state.SkipWithError("no host");
  }
}

std::shared_ptr<const core::ResourceRequest> Asking(const core::PlacementRequest& request,
                                                    const char* cpus) {
  core::ResourceRequest resources;
  core::RequestGroup& group = resources.Group("");
  group.resources = model::ResourcesOf(request.flavor);
  group.resources.erase("VCPU");
  group.resources[cpus] = request.flavor.vcpus;
  return std::make_shared<const core::ResourceRequest>(std::move(resources));
}

// Four CPUs of one cell, and what Nova asks of Placement for that.
void Pin(core::PlacementRequest& request) {
  request.availability_zone = "";
  request.flavor.vcpus = 4;
  request.flavor.memory_mb = 8 * 1024;
  request.numa_topology = FourPinned();
  request.resource_request = Asking(request, "PCPU");
  request.vcpu_fallback = Asking(request, "VCPU");
}

enum class What { kPlain, kLimited, kPinned };

core::PlacementRequest Request(What what, Cloud& cloud) {
  auto request = cloud.Request();
  request.availability_zone = "";
  if (what == What::kPinned) Pin(request);
  // A rule that claims change: hosts are filled one claim after the other.
  if (what == What::kLimited) request.flavor.extra_specs["capabilities:free_ram_mb"] = ">= 1024";
  return request;
}

void BM_WhatFits(benchmark::State& state, What what) {
  const std::int64_t hosts = state.range(0);
  const auto engine = what == What::kPinned ? NumaEngine() : MakeEngine();
  Cloud cloud(*engine, Kind::kMixed, hosts);
  if (what == What::kPinned) AddCells(*engine, cloud, hosts, state);
  cloud.Fill();
  std::int64_t count = 0;
  double cpu = 0;
  Other other(*engine);
  for (auto _ : state) {
    const auto request = Request(what, cloud);
    const double before = kilonova::bench::CpuSeconds();
    const auto room = engine->WhatFits(request);
    cpu += kilonova::bench::CpuSeconds() - before;
    if (!room.ok()) state.SkipWithError("no answer");
    count += room.ok() ? room->count : 0;
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["longest_wait_ms"] = other.LongestMs();
  state.counters["cpu_ms"] = cpu * 1000 / rounds;
  state.counters["instances"] = static_cast<double>(count) / rounds;
}
#define FITS(what)                                 \
  BENCHMARK_CAPTURE(BM_WhatFits, what, What::what) \
      ->Arg(10'000)                                \
      ->Arg(100'000)                               \
      ->Iterations(5)                              \
      ->UseRealTime()                              \
      ->Unit(benchmark::kMillisecond)
FITS(kPlain);
FITS(kLimited);
FITS(kPinned);

// What would have to be different for a request that no host takes.
void BM_Remedies(benchmark::State& state) {
  const auto engine = MakeEngine();
  Cloud cloud(*engine, Kind::kMixed, state.range(0));
  cloud.Fill();
  Other other(*engine);
  double cpu = 0;
  for (auto _ : state) {
    auto request = cloud.Request();
    request.flavor.vcpus = 1000;
    const double before = kilonova::bench::CpuSeconds();
    if (!engine->Remedies(request, RelaxationsOf(request)).ok()) state.SkipWithError("no answer");
    cpu += kilonova::bench::CpuSeconds() - before;
  }
  state.counters["longest_wait_ms"] = other.LongestMs();
  state.counters["cpu_ms"] = cpu * 1000 / static_cast<double>(state.iterations());
}
BENCHMARK(BM_Remedies)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Iterations(5)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Instances of one request; fast, or by looking at all hosts as a draw among the best ones wants.
void BM_LargestGang(benchmark::State& state) {
  const auto engine = MakeEngine(state.range(2) != 0);
  Cloud cloud(*engine, Kind::kHalfFull, state.range(0));
  cloud.Fill();
  static_cast<void>(engine->DryRun(cloud.Request()));
  Other other(*engine);
  double cpu = 0;
  for (auto _ : state) {
    auto request = cloud.Request();
    for (int i = 1; i < state.range(1); ++i) request.instances.push_back(Uuid::Random());
    const double before = kilonova::bench::CpuSeconds();
    if (!engine->DryRun(request).ok()) state.SkipWithError("no answer");
    cpu += kilonova::bench::CpuSeconds() - before;
  }
  state.counters["longest_wait_ms"] = other.LongestMs();
  state.counters["cpu_ms"] = cpu * 1000 / static_cast<double>(state.iterations());
}
BENCHMARK(BM_LargestGang)
    ->ArgNames({"hosts", "instances", "full_scan"})
    ->Args({10'000, 1000, 0})
    ->Args({100'000, 1000, 0})
    ->Args({10'000, 1000, 1})
    ->Args({100'000, 100, 1})
    ->Iterations(3)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Each is placed and released again; the second question matters to no host.
void BM_PinnedTwoQuestions(benchmark::State& state) {
  const auto engine = NumaEngine();
  Cloud cloud(*engine, Kind::kMixed, state.range(0));
  AddCells(*engine, cloud, state.range(0), state);
  cloud.Fill();
  static_cast<void>(engine->DryRun(cloud.Request()));
  std::vector<double> took_us;
  for (auto _ : state) {
    state.PauseTiming();
    auto request = cloud.Request();
    Pin(request);
    state.ResumeTiming();
    const auto start = Clock::now();
    const auto result = engine->Place(request, {.alternates = 2});
    took_us.push_back(MsSince(start) * 1000);
    if (!result.ok() || !result->placed()) state.SkipWithError("not placed");
    state.PauseTiming();
    engine->Release(request.instances[0]);
    state.ResumeTiming();
  }
  state.counters["first_us"] = took_us[0];
  std::ranges::sort(took_us);
  state.counters["p50_us"] = took_us[took_us.size() / 2];
  state.counters["p99_us"] = took_us[(took_us.size() - 1) * 99 / 100];
}
BENCHMARK(BM_PinnedTwoQuestions)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Iterations(500)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kilonova::scheduler::bench
