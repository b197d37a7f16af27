// SPDX-License-Identifier: Apache-2.0
// Durable creations a second: conductor and store without gRPC, N clients that wait for the sync.
// The directory must be on the disk that counts: KILONOVA_BENCH_DIR, else the temporary one.
#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

#include "tests/bench/cpu_seconds.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using bench::CpuSeconds;

// As large as a real build message.
class RealisticEncoder final : public MessageEncoder {
 public:
  Expected<std::string> EncodeBuild(const BuildMessage& m) const override {
    std::string body = m.unique_id;
    body.resize(16 * 1024, 'x');
    return body;
  }
  Expected<std::string> EncodeAction(const ActionMessage& m) const override { return m.unique_id; }
};

void DurableCreates(benchmark::State& state) {
  const int clients = static_cast<int>(state.range(0));
  TempDir dir;
  const char* base = std::getenv("KILONOVA_BENCH_DIR");
  const std::string path =
      base == nullptr ? dir.File("state.db") : std::string(base) + "/bench-" + Uuid::Random().str();
  RealisticEncoder encoder;
  auto store = adapters::OpenSqliteStore({.path = path}).value();
  Engine engine(DefaultPipeline());
  auto conductor = Conductor::Open(*store, engine, encoder, SystemClock()).value();
  for (int h = 0; h < 1000; ++h) {
    HostHello hello;
    hello.journal_id = Uuid::Random().str();
    hello.report = Rig::Report("host" + std::to_string(h), 100000, 100000000, 10000000);
    conductor->HostUp(hello).value();
  }
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "m1.tiny";
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  conductor->CreateFlavor(flavor).value();
  model::ImageSource image;
  image.name = "cirros";
  image.url = "file:///images/cirros.qcow2";
  image.sha256 = std::string(64, 'a');
  image.disk_format = "qcow2";
  conductor->RegisterImage(image).value();
  NetworkRecord network;
  network.name = "net";
  network.source = "default";
  network.cidr = "10.0.0.0/8";
  conductor->CreateNetwork(network).value();

  std::atomic<std::int64_t> made = 0, failed = 0, serial = 0;
  const double cpu_before = CpuSeconds();
  for (auto _ : state) {
    std::vector<std::jthread> threads;
    for (int c = 0; c < clients; ++c) {
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) {
          const auto done =
              conductor->CreateInstances(Rig::Request("r" + std::to_string(++serial)));
          ++(done.ok() ? made : failed);
        }
      });
    }
  }
  if (failed != 0) state.SkipWithError("creations failed");
  state.counters["creates/s"] =
      benchmark::Counter(static_cast<double>(made.load()), benchmark::Counter::kIsRate);
  // On a machine that others use, this is the number that can be compared.
  state.counters["cpu_us/create"] =
      (CpuSeconds() - cpu_before) * 1e6 / static_cast<double>(std::max<std::int64_t>(made, 1));
  conductor->Stop();
  conductor.reset();
  store.reset();
  if (base != nullptr) std::filesystem::remove(path);
}
BENCHMARK(DurableCreates)
    ->Arg(1)
    ->Arg(8)
    ->Arg(64)
    ->Iterations(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kilonova::scheduler::core
