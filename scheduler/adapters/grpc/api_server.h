// SPDX-License-Identifier: Apache-2.0
// The scheduler's gRPC server: every service of kilonova.v1 on one address, with health and, if
// wanted, reflection.
//
//   ASSIGN_OR_RETURN(auto server, ApiServer::Start({.listen = "127.0.0.1:9500"}, conductor, clock,
//                                                  &metrics));
//   ...
//   server->Drain(5s);   // NOT_SERVING, refuse what is new, finish what is under way
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/runtime/metrics.h"
#include "flavors/extra_specs/validation.h"
#include "proto/grpc/endpoint.h"
#include "scheduler/core/conductor.h"

namespace kilonova::scheduler::adapters::grpc {

struct ApiOptions {
  std::string listen;  // "127.0.0.1:9500", "unix:/run/kilonova/scheduler.sock"
  ::kilonova::grpc::TlsFiles tls;
  bool reflection = true;
  std::chrono::milliseconds watch_idle{10'000};  // see WatchPump
  flavors::extra_specs::Validation extra_specs_validation =
      flavors::extra_specs::Validation::kStrict;
};

class ApiServer {
 public:
  // `metrics` may be null. All must outlive the server. UNAVAILABLE when the address is taken.
  static Expected<std::unique_ptr<ApiServer>> Start(const ApiOptions& options,
                                                    core::Conductor& conductor, const Clock& clock,
                                                    runtime::Metrics* metrics);
  ~ApiServer();  // Drain with no patience

  // What to connect to: options.listen with the port that was bound.
  const std::string& address() const;
  // Calls under way have `patience` to end; streams end at once. Idempotent.
  void Drain(std::chrono::milliseconds patience);

 private:
  class Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kilonova::scheduler::adapters::grpc
