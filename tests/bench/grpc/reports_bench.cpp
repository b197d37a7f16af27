// SPDX-License-Identifier: Apache-2.0
// Hosts' reports a second over gRPC: a session of its own for each of KILONOVA_BENCH_HOSTS (10,000)
// hosts, on one Unix socket, each telling its usage a few times; none of it is worth a write.
// Clients and server share the machine.
#include <benchmark/benchmark.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <kilonova/v1/agent.grpc.pb.h>

#include <memory>
#include <thread>

#include "proto/grpc/channel.h"
#include "proto/grpc/host_report.h"
#include "scheduler/adapters/grpc/api_server.h"
#include "tests/bench/cpu_seconds.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

using bench::CpuSeconds;

constexpr int kRounds = 10;
constexpr int kChannels = 16;
constexpr char kCounter[] = "reports";

std::int64_t HostCount() {
  const char* text = std::getenv("KILONOVA_BENCH_HOSTS");
  return text == nullptr ? 10'000 : std::atoll(text);
}

model::HostReport ReportOf(const std::string& host) {
  model::HostReport report = core::Rig::Report(host, 128, 1 << 20, 1 << 14);
  report.cpu_info = std::string(1500, 'f');
  for (int i = 0; i < 60; ++i) report.traits.push_back("HW_CPU_X86_TRAIT_" + std::to_string(i));
  return report;
}

// One host's session: says hello, waits for the welcome, and reports when told to.
class Agent {
 public:
  Agent(v1::AgentService::Stub& stub, ::grpc::CompletionQueue& queue, const std::string& host)
      : report_(ReportOf(host)) {
    v1::Hello& hello = *first_.mutable_hello();
    hello.set_host(host);
    hello.set_agent_version("bench");
    hello.set_journal_id(Uuid::Random().str());
    ::kilonova::grpc::ToProto(report_, {}, {}, hello.mutable_report());
    stream_ = stub.AsyncSession(&context_, &queue, this);
  }
  // The next step, on the queue's thread. True: welcomed.
  bool Step() {
    switch (state_++) {
      case 0:
        stream_->Write(first_, this);
        return false;
      case 1:
        stream_->Read(&welcome_, this);
        return false;
      default:
        return true;
    }
  }
  // The next of Reports() in all.
  void Report() {
    v1::SessionRequest request;
    ++round_;
    report_.free_memory_mb = 1000 + round_;
    ::kilonova::grpc::ToProto(report_, {}, {{kCounter, round_}}, request.mutable_host());
    stream_->Write(request, this);
  }
  void Cancel() { context_.TryCancel(); }
  int Reports() const { return round_; }

 private:
  model::HostReport report_;
  ::grpc::ClientContext context_;
  v1::SessionRequest first_;
  v1::SessionResponse welcome_;
  std::unique_ptr<::grpc::ClientAsyncReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  int state_ = 0, round_ = 0;
};

void HostReports(benchmark::State& state) {
  const std::int64_t hosts = HostCount();
  core::TempDir dir;
  core::Rig rig(dir.File("state.db"));
  auto server = *ApiServer::Start({.listen = "unix:" + dir.File("api.sock")}, *rig.conductor,
                                  SystemClock(), nullptr);
  std::vector<std::unique_ptr<v1::AgentService::Stub>> stubs;
  for (int i = 0; i < kChannels; ++i) {
    stubs.push_back(
        v1::AgentService::NewStub(*::kilonova::grpc::MakeChannel({.target = server->address()})));
  }
  ::grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Agent>> agents;
  const auto name = [](std::int64_t i) { return "c" + std::to_string(i); };
  void* tag = nullptr;
  bool ok = false;
  std::int64_t welcomed = 0, begun = 0;
  // Not all at once: each Hello is a durable change.
  const auto begin = [&] {
    agents.push_back(std::make_unique<Agent>(*stubs[static_cast<std::size_t>(begun % kChannels)],
                                             queue, name(begun)));
    ++begun;
  };
  while (begun < std::min<std::int64_t>(hosts, 200)) begin();
  while (welcomed < hosts && queue.Next(&tag, &ok)) {
    if (!ok) return state.SkipWithError("a session ended");
    if (!static_cast<Agent*>(tag)->Step()) continue;
    ++welcomed;
    if (begun < hosts) begin();
  }
  const auto all_taken = [&] {
    for (std::int64_t i = 0; i < hosts; ++i) {
      const auto view = rig.conductor->GetHost(name(i));
      if (!view.ok() || !view->counters.contains(kCounter)) return false;
      if (view->counters.at(kCounter) < kRounds) return false;
    }
    return true;
  };
  for (auto _ : state) {
    const double cpu = CpuSeconds();
    const SteadyTime start = SystemClock().Steady();
    for (const auto& agent : agents) agent->Report();
    for (std::int64_t done = 0; done < hosts && queue.Next(&tag, &ok);) {
      if (!ok) return state.SkipWithError("a session ended");
      auto* agent = static_cast<Agent*>(tag);
      if (agent->Reports() == kRounds) {
        ++done;
      } else {
        agent->Report();
      }
    }
    while (!all_taken()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const double took = std::chrono::duration<double>(SystemClock().Steady() - start).count();
    const auto reports = static_cast<double>(hosts * kRounds);
    state.SetIterationTime(took);
    state.counters["reports/s"] = reports / took;
    state.counters["cpu_us/report"] = (CpuSeconds() - cpu) * 1e6 / reports;
  }
  for (const auto& agent : agents) agent->Cancel();
  server.reset();
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}
BENCHMARK(HostReports)->Iterations(1)->UseManualTime()->Unit(benchmark::kSecond);

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
