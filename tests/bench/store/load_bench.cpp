// SPDX-License-Identifier: Apache-2.0
// From a database of many hosts and instances to a scheduler that could serve, and what it then
// holds in memory. Sizes: KILONOVA_BENCH_HOSTS (10,000) and KILONOVA_BENCH_INSTANCES (100,000), a
// tenth of them made by requests that are still remembered; the directory: KILONOVA_BENCH_DIR, else
// the temporary one. KILONOVA_BENCH_DB names a file that is kept: made when it is not there yet, so
// that a scheduler can be started with it.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <fstream>

#include "scheduler/core/ipam.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

std::int64_t Number(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

double ResidentMiB() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(getpagesize()) / (1 << 20);
}

double SecondsSince(SteadyTime begin) {
  return std::chrono::duration<double>(SystemClock().Steady() - begin).count();
}

model::HostReport LargeReport(const std::string& host) {
  model::HostReport report = Rig::Report(host, 128, 1 << 20, 1 << 14);
  report.cpu_info = R"({"arch": "x86_64", "model": "EPYC-Rome", "vendor": "AMD", "features": [)";
  for (int i = 0; i < 100; ++i) report.cpu_info += "\"feature" + std::to_string(i) + "\", ";
  report.cpu_info += "\"last\"]}";
  for (int i = 0; i < 60; ++i) report.traits.push_back("HW_CPU_X86_TRAIT_" + std::to_string(i));
  return report;
}

void Fill(Store& store, std::int64_t hosts, std::int64_t instances) {
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "m1.tiny";
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  model::ImageSource image;
  image.id = Uuid::Random();
  image.name = "cirros";
  image.url = "file:///images/cirros.qcow2";
  image.sha256 = std::string(64, 'a');
  image.disk_format = "qcow2";
  NetworkRecord network;
  network.id = Uuid::Random();
  network.name = "net";
  network.source = "default";
  network.cidr = "10.0.0.0/8";
  network = NormalizeNetwork(network).value();
  flavor.id = 1;
  store.Commit({PutFlavor{flavor}, PutImage{{image, WallTime{}}}, PutNetwork{network}}).value();
  const auto shared_flavor = std::make_shared<const model::Flavor>(flavor);
  const auto shared_image = std::make_shared<const model::ImageSource>(image);
  std::vector<Op> ops;
  const auto flush = [&](std::size_t most) {
    if (ops.size() > most) store.Commit(std::exchange(ops, {})).value();
  };
  for (std::int64_t h = 0; h < hosts; ++h) {
    HostRow row;
    row.name = "host" + std::to_string(h);
    row.journal_id = Uuid::Random().str();
    row.report = LargeReport(row.name);
    ops.emplace_back(PutHost{std::move(row)});
    flush(2000);
  }
  AddressPool pool(network);
  for (std::int64_t i = 0; i < instances; ++i) {
    auto r = std::make_shared<InstanceRecord>();
    r->spec.id = i + 1;
    r->spec.uuid = Uuid::Random();
    r->spec.display_name = r->spec.hostname = "web-" + std::to_string(i);
    r->spec.project_id = r->spec.project_name = "p" + std::to_string(i % 100);
    r->spec.user_id = r->spec.user_name = "u";
    r->spec.reservation_id = "r-12345678";
    r->flavor = shared_flavor;
    r->image = shared_image;
    r->vm_state = model::VmState::kActive;
    r->task_state = model::TaskState::kNone;
    r->power_state = model::PowerState::kRunning;
    r->host = r->node = "host" + std::to_string(i % hosts);
    r->availability_zone = "nova";
    r->claim_id = Uuid::Random();
    r->generation = r->started_generation = 1;
    r->tried_hosts = {r->host};
    r->request_id = r->action_request_id = NewRequestId();
    model::NicRequest& nic = r->nics.emplace_back();
    nic.port_id = Uuid::Random();
    nic.network_id = network.id;
    nic.network_name = "net";
    nic.source = "default";
    char mac[18];
    std::snprintf(mac, sizeof mac, "fa:16:%02x:%02x:%02x:%02x", unsigned(i >> 24) & 255,
                  unsigned(i >> 16) & 255, unsigned(i >> 8) & 255, unsigned(i) & 255);
    nic.mac = mac;
    nic.fixed_ips.push_back(pool.Take().value());
    ops.emplace_back(PutInstance{r, {}});
    ops.emplace_back(PutClaim{{r->claim_id, r->uuid(), r->host, 1, model::ResourcesOf(flavor)}});
    if (i % 10 == 0) {
      ops.emplace_back(PutRequest{
          {Uuid::Random().str(), std::string(64, 'd'), {r->uuid()}, SystemClock().Now()}});
    }
    ops.emplace_back(AddAddress{network.id, nic.fixed_ips[0].address, nic.port_id, r->spec.uuid});
    flush(6000);
  }
  flush(0);
}

void StartWith(benchmark::State& state) {
  const std::int64_t hosts = Number("KILONOVA_BENCH_HOSTS", 10'000);
  const std::int64_t instances = Number("KILONOVA_BENCH_INSTANCES", 100'000);
  TempDir dir;
  const char* base = std::getenv("KILONOVA_BENCH_DIR");
  std::string path =
      base == nullptr ? dir.File("state.db") : std::string(base) + "/load-" + Uuid::Random().str();
  const char* kept = std::getenv("KILONOVA_BENCH_DB");
  if (kept != nullptr) path = kept;
  if (kept == nullptr || !std::filesystem::exists(path)) {
    Fill(*adapters::OpenSqliteStore({.path = path}).value(), hosts, instances);
  }
  malloc_trim(0);
  FakeEncoder encoder;
  for (auto _ : state) {
    const double before = ResidentMiB();
    const SteadyTime begin = SystemClock().Steady();
    auto store = adapters::OpenSqliteStore({.path = path}).value();
    const double opened = SecondsSince(begin);
    Engine engine(DefaultPipeline());
    auto conductor = Conductor::Open(*store, engine, encoder, SystemClock()).value();
    state.counters["open_s"] = opened;
    state.counters["load_s"] = SecondsSince(begin) - opened;
    state.counters["MiB"] = ResidentMiB() - before;
    malloc_trim(0);
    state.counters["MiB_trimmed"] = ResidentMiB() - before;
    state.counters["engine_MiB"] = static_cast<double>(engine.MemoryBytes()) / (1 << 20);
    conductor->Stop();
  }
  state.counters["hosts"] = static_cast<double>(hosts);
  state.counters["instances"] = static_cast<double>(instances);
  if (kept != nullptr) return;
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".lock");
}
BENCHMARK(StartWith)->Iterations(1)->UseRealTime()->Unit(benchmark::kSecond);

// A report every 10 s of each host, most of which say nothing new: hosts a second that one core
// takes.
void HostReports(benchmark::State& state) {
  const auto hosts = static_cast<int>(Number("KILONOVA_BENCH_HOSTS", 10'000));
  TempDir dir;
  Rig rig(dir.File("state.db"));
  std::vector<Uuid> sessions;
  std::vector<HostUpdate> updates;
  {
    for (int h = 0; h < hosts; ++h) {
      HostHello hello;
      hello.journal_id = Uuid::Random().str();
      hello.report = LargeReport("host" + std::to_string(h));
      sessions.push_back(rig.conductor->HostUp(hello).value().session);
      updates.push_back({hello.report, {}, {}});
    }
  }
  std::size_t next = 0;
  std::int64_t free = 0;
  for (auto _ : state) {
    HostUpdate& update = updates[next];
    update.report.free_memory_mb = ++free;
    if (!rig.conductor->HostReported(sessions[next], update).ok()) {
      state.SkipWithError("a report was refused");
      break;
    }
    next = (next + 1) % sessions.size();
  }
  // And how long it takes to say what fits on that many.
  rig.AddCatalog();
  const SteadyTime begin = SystemClock().Steady();
  const auto fits = rig.conductor->WhatFits({});
  if (!fits.ok() || fits->front().room.count == 0) state.SkipWithError("nothing fits");
  state.counters["what_fits_ms"] = SecondsSince(begin) * 1000;
  state.counters["reports/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(HostReports)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kilonova::scheduler::core
