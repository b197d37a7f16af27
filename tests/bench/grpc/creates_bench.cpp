// SPDX-License-Identifier: Apache-2.0
// Durable accepted creations a second over gRPC: a unix socket, 64 clients that wait for each
// answer, the default filters and weighers, SQLite with group commit. A stand-in for the relay
// confirms every message, so that the outbox is written and emptied as with a broker. Clients and
// server share the machine.
#include <benchmark/benchmark.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <kilonova/v1/instance.grpc.pb.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <stop_token>
#include <thread>

#include "proto/grpc/channel.h"
#include "scheduler/adapters/grpc/api_server.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

constexpr int kChannels = 8;

struct Bench {
  explicit Bench(int hosts) : rig(dir.File("state.db"), {}) {
    rig.AddCatalog();
    for (int i = 0; i < hosts; ++i) {
      core::HostHello hello;
      hello.agent_version = "bench";
      hello.journal_id = Uuid::Random().str();
      hello.report = core::Rig::Report("c" + std::to_string(i), 1 << 20, 1 << 30, 1 << 24);
      if (!rig.conductor->HostUp(hello).ok()) std::abort();
    }
    server = *ApiServer::Start({.listen = "unix:" + dir.File("api.sock")}, *rig.conductor,
                               SystemClock(), nullptr);
    for (int i = 0; i < kChannels; ++i) {
      stubs.push_back(v1::InstanceService::NewStub(
          *::kilonova::grpc::MakeChannel({.target = server->address()})));
    }
    relay = std::jthread([this](std::stop_token stop) {
      while (!stop.stop_requested()) {
        std::vector<std::int64_t> ids;
        for (const auto& row : rig.conductor->outbox().Take(256, std::chrono::milliseconds(20))) {
          ids.push_back(row.id);
        }
        if (!ids.empty() && !rig.conductor->outbox().Confirmed(ids).ok()) std::abort();
      }
    });
  }
  ~Bench() {
    relay.request_stop();
    relay.join();
    server.reset();
  }

  core::TempDir dir;
  core::Rig rig;
  std::unique_ptr<ApiServer> server;
  std::vector<std::unique_ptr<v1::InstanceService::Stub>> stubs;
  std::jthread relay;
};

std::unique_ptr<Bench> bench;

void SetUp(const benchmark::State& state) {
  bench = std::make_unique<Bench>(static_cast<int>(state.range(0)));
}
void TearDown(const benchmark::State&) { bench.reset(); }

void DurableCreates(benchmark::State& state) {
  static std::atomic<std::int64_t> next{0};
  auto& stub = *bench->stubs[static_cast<std::size_t>(state.thread_index() % kChannels)];
  v1::CreateInstancesRequest request;
  request.mutable_template_()->set_name("web");
  request.mutable_template_()->set_flavor("m1.tiny");
  request.mutable_template_()->set_image("cirros");
  std::int64_t made = 0;
  for (auto _ : state) {
    request.set_request_id(std::to_string(next++));
    ::grpc::ClientContext context;
    v1::CreateInstancesResponse response;
    const auto status = stub.CreateInstances(&context, request, &response);
    if (!status.ok() || response.instances(0).host().empty()) {
      state.SkipWithError(("create: " + status.error_message()).c_str());
      break;
    }
    ++made;
  }
  state.counters["creates"] =
      benchmark::Counter(static_cast<double>(made), benchmark::Counter::kIsRate);
}
BENCHMARK(DurableCreates)
    ->Arg(100)
    ->Arg(1000)
    ->Threads(1)
    ->Threads(64)
    ->UseRealTime()
    ->MinTime(3)
    ->Setup(SetUp)
    ->Teardown(TearDown);

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
