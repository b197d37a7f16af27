// SPDX-License-Identifier: Apache-2.0
#include "scheduler/app/scheduler.h"

#include <optional>
#include <random>
#include <utility>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/runtime/metrics.h"
#include "common/runtime/metrics_server.h"
#include "common/runtime/process.h"
#include "scheduler/adapters/amqp/message_encoder.h"
#include "scheduler/adapters/amqp/outbox_relay.h"
#include "scheduler/adapters/grpc/starting_server.h"
#include "scheduler/adapters/store/sqlite_store.h"
#include "scheduler/app/seed.h"
#include "scheduler/core/engine.h"

namespace kilonova::scheduler::app {
namespace {

Expected<core::Pipeline> MakePipeline(const PlacementOptions& options) {
  core::Pipeline pipeline;
  ASSIGN_OR_RETURN(pipeline.filters, filters::MakeFilters(options.filters, options.filter_options));
  ASSIGN_OR_RETURN(pipeline.weighers,
                   weighers::MakeWeighers(options.weighers, options.weigher_options));
  pipeline.host_subset_size = options.host_subset_size;
  pipeline.pack_numa_cells = options.filter_options.packing_host_numa_cells_allocation_strategy;
  pipeline.seed = std::random_device{}();
  pipeline.shuffle_best = options.shuffle_best_same_weighed_hosts;
  pipeline.shuffle_seed = options.shuffle_seed == 0 ? std::random_device{}() : options.shuffle_seed;
  return pipeline;
}

}  // namespace

// In the order they are made; they go in the opposite one.
struct Scheduler::Parts {
  explicit Parts(core::Pipeline pipeline) : engine(std::move(pipeline)) {}

  std::optional<runtime::ProcessLock> lock;
  std::filesystem::path flavor_dir;
  flavors::extra_specs::Validation extra_specs_validation{};
  std::chrono::milliseconds drain{};
  runtime::Metrics metrics;
  std::unique_ptr<core::Store> store;
  core::Engine engine;
  adapters::amqp::OsloMessageEncoder encoder;
  std::unique_ptr<core::Conductor> conductor;
  std::unique_ptr<adapters::amqp::OutboxRelay> relay;
  std::unique_ptr<adapters::grpc::ApiServer> api;
  std::unique_ptr<runtime::MetricsServer> metrics_server;

  void RefreshMetrics();
  std::string NotReady() const;
};

void Scheduler::Parts::RefreshMetrics() {
  const auto queue = relay->Health();
  const auto counters = relay->Counters();
  metrics.Set("kilonova_scheduler_hosts", static_cast<double>(engine.HostCount()));
  metrics.Set("kilonova_scheduler_engine_bytes", static_cast<double>(engine.MemoryBytes()));
  metrics.Set("kilonova_scheduler_outbox_pending",
              static_cast<double>(conductor->outbox().Pending()));
  metrics.Set("kilonova_scheduler_broker_connected", queue.connected ? 1 : 0);
  metrics.Set("kilonova_scheduler_broker_blocked", queue.blocked ? 1 : 0);
  metrics.Set("kilonova_scheduler_messages_confirmed", static_cast<double>(counters.confirmed));
  metrics.Set("kilonova_scheduler_messages_returned", static_cast<double>(counters.returned));
  metrics.Set("kilonova_scheduler_messages_failed", static_cast<double>(counters.failed));
}

std::string Scheduler::Parts::NotReady() const {
  if (!store->Health().ok()) return "the database failed";
  return relay->Health().connected ? "" : "no connection to the broker";
}

Expected<std::unique_ptr<Scheduler>> Scheduler::Start(const Options& options) {
  RETURN_IF_ERROR(runtime::MakePrivateDirectory(options.state_dir, 0700));
  ASSIGN_OR_RETURN(auto lock, runtime::ProcessLock::Take(options.state_dir / "lock"));
  ASSIGN_OR_RETURN(core::Pipeline pipeline, MakePipeline(options.placement));
  auto parts = std::make_unique<Parts>(std::move(pipeline));
  parts->lock = std::move(lock);
  parts->flavor_dir = options.flavor_dir;
  parts->extra_specs_validation = options.api.extra_specs_validation;
  parts->drain = options.drain;
  ASSIGN_OR_RETURN(parts->store, adapters::OpenSqliteStore({.path = options.database.string()}));
  // Not before the database is ours: gRPC takes a Unix socket from whoever listens on it.
  ASSIGN_OR_RETURN(auto starting, adapters::grpc::StartingServer::Start(options.api));
  ASSIGN_OR_RETURN(parts->conductor,
                   core::Conductor::Open(*parts->store, parts->engine, parts->encoder,
                                         SystemClock(), options.conductor));
  if (!options.flavor_dir.empty()) {
    RETURN_IF_ERROR(
        SeedFlavors(options.flavor_dir, options.api.extra_specs_validation, *parts->conductor));
  }
  LogInfo("broker", {F("at", kilonova::amqp::Describe(options.amqp))});
  parts->relay =
      std::make_unique<adapters::amqp::OutboxRelay>(options.amqp, parts->conductor->outbox());
  starting.reset();  // its place is taken at once
  ASSIGN_OR_RETURN(parts->api, adapters::grpc::ApiServer::Start(options.api, *parts->conductor,
                                                                SystemClock(), &parts->metrics));
  if (!options.metrics_listen.empty()) {
    ASSIGN_OR_RETURN(parts->metrics_server, runtime::MetricsServer::Start(
                                                options.metrics_listen, &parts->metrics,
                                                [p = parts.get()] { p->RefreshMetrics(); },
                                                [p = parts.get()] { return p->NotReady(); }));
  }
  return std::unique_ptr<Scheduler>(new Scheduler(std::move(parts)));
}

Scheduler::Scheduler(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Scheduler::~Scheduler() { Drain(); }

const std::string& Scheduler::address() const { return parts_->api->address(); }

int Scheduler::metrics_port() const {
  return parts_->metrics_server == nullptr ? 0 : parts_->metrics_server->port();
}

void Scheduler::Tick() { parts_->conductor->Tick(); }

Status Scheduler::Health() const { return parts_->store->Health(); }

Status Scheduler::LoadFlavors() {
  if (parts_->flavor_dir.empty()) return OkStatus();
  return SeedFlavors(parts_->flavor_dir, parts_->extra_specs_validation, *parts_->conductor);
}

void Scheduler::Drain() {
  if (parts_->conductor == nullptr) return;
  if (parts_->api != nullptr) parts_->api->Drain(parts_->drain);
  parts_->metrics_server.reset();
  // What the relay has not sent yet stays in the store and is sent after the next start.
  parts_->conductor->Stop();
  parts_->relay.reset();
  parts_->api.reset();
  parts_->conductor.reset();
  parts_->store.reset();
}

}  // namespace kilonova::scheduler::app
