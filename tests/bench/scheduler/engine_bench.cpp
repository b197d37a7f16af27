// SPDX-License-Identifier: Apache-2.0
// Placement decisions with claim, one thread, default filters and weighers, mixed flavors, over
// four kinds of fleets. After each decision something is released and a build ends, so that a fleet
// stays as full as it was. Decisions a second count the CPU time of all of it; the time of one
// decision is that of Place alone, by the clock.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <numeric>

#include "tests/bench/scheduler/fleets.h"

namespace kilonova::scheduler::bench {
namespace {

using Clock = std::chrono::steady_clock;

double Microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

// Of this thread alone: others run on the machine as well.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void Report(benchmark::State& state, std::vector<double> took_us, double cpu_seconds) {
  // By the clock, decision and claim alone; what was released and finished since is taken in.
  state.counters["claims_per_s"] = 1e6 * static_cast<double>(took_us.size()) /
                                   std::accumulate(took_us.begin(), took_us.end(), 0.0);
  std::ranges::sort(took_us);
  const auto at = [&](double part) {
    return took_us[static_cast<std::size_t>(part * static_cast<double>(took_us.size() - 1))];
  };
  state.counters["decisions_per_s"] = static_cast<double>(took_us.size()) / cpu_seconds;
  state.counters["p50_us"] = at(0.50);
  state.counters["p99_us"] = at(0.99);
  state.counters["p999_us"] = at(0.999);
  state.counters["max_us"] = took_us.back();
}

void BM_Place(benchmark::State& state, Kind kind) {
  const std::int64_t hosts = state.range(0);
  const auto engine = MakeEngine();
  Cloud cloud(*engine, kind, hosts);
  cloud.Fill();
  std::vector<Uuid> live = cloud.claims();
  std::deque<Uuid> building;
  std::vector<double> took_us;
  double cpu_seconds = 0;
  static_cast<void>(engine->DryRun(cloud.Request()));  // indexes what was loaded
  const std::size_t most = std::max<std::size_t>(live.size(), static_cast<std::size_t>(hosts));
  for (auto _ : state) {
    state.PauseTiming();
    const auto requests = cloud.Requests(4096);
    const double cpu = CpuSeconds();
    for (const auto& request : requests) {
      const auto start = Clock::now();
      const auto result = engine->Place(request, {.alternates = 2});
      took_us.push_back(Microseconds(Clock::now() - start));
      if (!result.ok() || !result->placed()) state.SkipWithError("not placed");
      live.push_back(request.instances[0]);
      building.push_back(request.instances[0]);
      if (live.size() > most) {
        auto& gone = live[cloud.random()() % live.size()];
        engine->Release(gone);
        gone = live.back();
        live.pop_back();
      }
      if (building.size() > static_cast<std::size_t>(hosts) / 4) {
        engine->BuildFinished(building.front());
        building.pop_front();
      }
    }
    cpu_seconds += CpuSeconds() - cpu;
    state.ResumeTiming();
    state.SetIterationTime(1e-6);
  }
  Report(state, std::move(took_us), cpu_seconds);
}
#define PLACE(kind)                             \
  BENCHMARK_CAPTURE(BM_Place, kind, Kind::kind) \
      ->Arg(1000)                               \
      ->Arg(10000)                              \
      ->Arg(100000)                             \
      ->Iterations(25)                          \
      ->UseManualTime()                         \
      ->Unit(benchmark::kMicrosecond)
PLACE(kAlike);
PLACE(kHalfFull);
PLACE(kMixed);
PLACE(kDistinct);

void BM_Gang(benchmark::State& state, Kind kind) {
  const auto engine = MakeEngine();
  Cloud cloud(*engine, kind, 100'000);
  cloud.Fill();
  static_cast<void>(engine->DryRun(cloud.Request()));
  for (auto _ : state) {
    state.PauseTiming();
    auto request = cloud.Request();
    request.availability_zone = "";
    request.instances.clear();
    for (int i = 0; i < state.range(0); ++i) request.instances.push_back(Uuid::Random());
    state.ResumeTiming();
    const auto result = engine->DryRun(request);
    if (!result.ok() || !result->placed()) state.SkipWithError("not placed");
  }
}
#define GANG(kind)                             \
  BENCHMARK_CAPTURE(BM_Gang, kind, Kind::kind) \
      ->Arg(10)                                \
      ->Arg(1000)                              \
      ->Arg(10000)                             \
      ->Iterations(3)                          \
      ->Unit(benchmark::kMillisecond)
GANG(kAlike);
GANG(kHalfFull);
GANG(kMixed);
GANG(kDistinct);

// Why nothing fits: in a zone there is not, and of a size nothing has room for.
void BM_ExplainRefusal(benchmark::State& state, bool room) {
  const auto engine = MakeEngine();
  Cloud cloud(*engine, Kind::kMixed, state.range(0));
  cloud.Fill();
  auto request = cloud.Request();
  if (room) {
    request.flavor.memory_mb = 600 * 1024;
  } else {
    request.availability_zone = "az9";
  }
  for (auto _ : state) benchmark::DoNotOptimize(engine->Explain(request, 100));
}
BENCHMARK_CAPTURE(BM_ExplainRefusal, zone, false)
    ->Arg(1000)
    ->Arg(100000)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_ExplainRefusal, room, true)
    ->Arg(1000)
    ->Arg(100000)
    ->Unit(benchmark::kMicrosecond);

// Bytes of the heap, not what the engine reckons.
void BM_Memory(benchmark::State& state) {
  const auto bytes = [] {
    const auto info = mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
  };
  const auto hosts = state.range(0);
  for (auto _ : state) {
    const double nothing = bytes();
    const auto engine = MakeEngine();
    Cloud cloud(*engine, Kind::kMixed, hosts);
    static_cast<void>(engine->DryRun(cloud.Request()));
    const double fleet = bytes();
    cloud.Fill();
    const double own = static_cast<double>(cloud.claims().capacity() * (sizeof(Uuid) + 48));
    static_cast<void>(engine->DryRun(cloud.Request()));
    state.counters["per_host"] = (fleet - nothing) / static_cast<double>(hosts);
    state.counters["per_instance"] =
        (bytes() - fleet - own) / static_cast<double>(cloud.claims().size());
    state.counters["reckoned_per_host"] =
        static_cast<double>(engine->MemoryBytes()) / static_cast<double>(hosts);
  }
}
BENCHMARK(BM_Memory)->Arg(100000)->Iterations(1)->Unit(benchmark::kMillisecond);

// A scheduler that starts: hosts and claims read from its database, then the first decision.
void BM_Load(benchmark::State& state) {
  const std::int64_t hosts = 100'000;
  for (auto _ : state) {
    state.PauseTiming();
    const auto engine = MakeEngine();
    Cloud cloud(*engine, Kind::kMixed, hosts);
    std::vector<Uuid> uuids;
    std::vector<model::Flavor> flavors;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      uuids.push_back(Uuid::Random());
      flavors.push_back(cloud.Flavor());
    }
    state.ResumeTiming();
    for (std::size_t i = 0; i < uuids.size(); ++i) {
      const std::string host = "compute-" + std::to_string(i % static_cast<std::size_t>(hosts));
      const Status claimed =
          engine->Claim(uuids[i], host, flavors[i], {}, core::ClaimCheck::kLoading);
      if (!claimed.ok()) state.SkipWithError("not claimed");
    }
    benchmark::DoNotOptimize(engine->Place(cloud.Request()));
  }
}
BENCHMARK(BM_Load)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kilonova::scheduler::bench
