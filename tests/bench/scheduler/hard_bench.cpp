// SPDX-License-Identifier: Apache-2.0
// The requests that are hard to decide, on a mixed fleet half full. Each is placed and released
// again, so that the fleet stays as it was; then as many at once as a gang.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

#include "tests/bench/scheduler/fleets.h"

namespace kilonova::scheduler::bench {
namespace {

using Clock = std::chrono::steady_clock;

enum class Hard {
  kRareTrait,     // one host in a thousand has it
  kAntiAffinity,  // to 50 members on as many hosts
  kSoftAntiAffinity,
  kAffinity,       // to members on three hosts
  kDifferentHost,  // from 100 instances
  kForcedHost,
  kPinned,      // four CPUs of one cell, which most hosts have
  kPinnedFull,  // the same where one host in a hundred has them free
  kDevice,      // one host in a hundred has one
};

bool OfHardware(Hard hard) {
  return hard == Hard::kPinned || hard == Hard::kPinnedFull || hard == Hard::kDevice;
}

std::unique_ptr<core::Engine> EngineFor(Hard hard) {
  return OfHardware(hard) ? NumaEngine() : MakeEngine();
}

core::HostState HostFor(Hard hard, std::int64_t number, Cloud& cloud) {
  core::HostState host = cloud.Host(number);
  const bool rare = number % 100 == 7;
  if (hard == Hard::kRareTrait && number % 1000 == 7) host.traits.emplace_back("CUSTOM_RARE");
  if (hard == Hard::kPinned) host.numa_topology = TwoCells(32);
  if (hard == Hard::kPinnedFull) {
    host.numa_topology = TwoCells(rare ? 32 : static_cast<hardware::CpuId>(cloud.random()() % 4));
  }
  if (hard == Hard::kDevice && rare) {
    host.pci_device_pools = {{.vendor_id = "10de", .product_id = "20b5", .count = 8}};
  }
  return host;
}

void SetGroup(const char* policy, std::size_t members, Cloud& cloud, core::Engine& engine,
              core::PlacementRequest& request) {
  auto& group = request.instance_group.emplace();
  group.policy = policy;
  group.members = request.instances;
  for (std::size_t i = 0; i < members; ++i) {
    group.members.push_back(cloud.claims()[i * 97 % cloud.claims().size()]);
    group.hosts.push_back(engine.GetClaim(group.members.back())->host);
  }
}

void Harden(Hard hard, Cloud& cloud, core::Engine& engine, core::PlacementRequest& request) {
  request.availability_zone = "";
  switch (hard) {
    case Hard::kRareTrait: {
      core::ResourceRequest resources;
      core::RequestGroup& group = resources.Group("");
      group.resources = model::ResourcesOf(request.flavor);
      group.AddTrait("CUSTOM_RARE", "required");
      request.resource_request =
          std::make_shared<const core::ResourceRequest>(std::move(resources));
      break;
    }
    case Hard::kAntiAffinity:
      SetGroup("anti-affinity", 50, cloud, engine, request);
      break;
    case Hard::kSoftAntiAffinity:
      SetGroup("soft-anti-affinity", 50, cloud, engine, request);
      break;
    case Hard::kAffinity:
      SetGroup("affinity", 3, cloud, engine, request);
      break;
    case Hard::kDifferentHost:
      for (std::size_t i = 0; i < 100; ++i) {
        request.hints["different_host"].push_back(
            cloud.claims()[i * 97 % cloud.claims().size()].str());
      }
      break;
    case Hard::kForcedHost:
      request.forced_host = engine.GetClaim(cloud.claims()[0])->host;
      break;
    case Hard::kPinned:
    case Hard::kPinnedFull:
      request.flavor.vcpus = 4;
      request.flavor.memory_mb = 8 * 1024;
      request.numa_topology = FourPinned();
      break;
    case Hard::kDevice: {
      hardware::PciRequest device;
      device.count = 1;
      device.spec = {{{"vendor_id", "10de"}}};
      request.pci_requests = {device};
      break;
    }
  }
}

// What was not asked before takes longer, so the first one is told by itself.
void BM_Hard(benchmark::State& state, Hard hard) {
  const std::int64_t hosts = state.range(0);
  const auto engine = EngineFor(hard);
  Cloud cloud(*engine, Kind::kMixed, hosts);
  for (std::int64_t i = 0; i < hosts; ++i) {
    if (!engine->UpsertHost(HostFor(hard, i, cloud)).ok()) state.SkipWithError("no host");
  }
  cloud.Fill();
  static_cast<void>(engine->DryRun(cloud.Request()));
  std::vector<double> took_us;
  std::size_t placed = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto request = cloud.Request();
    Harden(hard, cloud, *engine, request);
    state.ResumeTiming();
    const auto start = Clock::now();
    const auto result = engine->Place(request, {.alternates = 2});
    took_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    state.PauseTiming();
    if (result.ok() && result->placed()) ++placed;
    engine->Release(request.instances[0]);
    state.ResumeTiming();
  }
  state.counters["placed"] = static_cast<double>(placed);
  state.counters["first_us"] = took_us[0];
  std::ranges::sort(took_us);
  state.counters["p50_us"] = took_us[took_us.size() / 2];
  state.counters["p99_us"] = took_us[(took_us.size() - 1) * 99 / 100];
}
#define HARD(hard)                             \
  BENCHMARK_CAPTURE(BM_Hard, hard, Hard::hard) \
      ->Arg(1000)                              \
      ->Arg(100000)                            \
      ->Iterations(1000)                       \
      ->Unit(benchmark::kMicrosecond)
HARD(kRareTrait);
HARD(kAntiAffinity);
HARD(kSoftAntiAffinity);
HARD(kAffinity);
HARD(kDifferentHost);
HARD(kForcedHost);
HARD(kPinned);
HARD(kPinnedFull);
HARD(kDevice);

void BM_HardGang(benchmark::State& state, Hard hard) {
  const std::int64_t hosts = 100'000;
  const auto engine = EngineFor(hard);
  Cloud cloud(*engine, Kind::kMixed, hosts);
  for (std::int64_t i = 0; i < hosts; ++i) {
    if (!engine->UpsertHost(HostFor(hard, i, cloud)).ok()) state.SkipWithError("no host");
  }
  cloud.Fill();
  static_cast<void>(engine->DryRun(cloud.Request()));
  for (auto _ : state) {
    state.PauseTiming();
    auto request = cloud.Request();
    request.instances.clear();
    for (int i = 0; i < state.range(0); ++i) request.instances.push_back(Uuid::Random());
    Harden(hard, cloud, *engine, request);
    state.ResumeTiming();
    const auto result = engine->DryRun(request);
    if (!result.ok() || !result->placed()) state.SkipWithError("not placed");
  }
}
#define HARD_GANG(hard)                            \
  BENCHMARK_CAPTURE(BM_HardGang, hard, Hard::hard) \
      ->Arg(100)                                   \
      ->Arg(1000)                                  \
      ->Arg(10000)                                 \
      ->Iterations(3)                              \
      ->Unit(benchmark::kMillisecond)
HARD_GANG(kAntiAffinity);
HARD_GANG(kSoftAntiAffinity);
HARD_GANG(kDifferentHost);
HARD_GANG(kPinned);

}  // namespace
}  // namespace kilonova::scheduler::bench
