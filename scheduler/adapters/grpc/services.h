// SPDX-License-Identifier: Apache-2.0
// The services of kilonova.v1, one file each. All take calls on gRPC's threads and work elsewhere.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "scheduler/adapters/grpc/console_broker.h"
#include "scheduler/adapters/grpc/context.h"

namespace grpc {
class Service;
}

namespace kilonova::scheduler::adapters::grpc {

class ConsoleRoute;
class WatchPump;

std::unique_ptr<::grpc::Service> MakeFlavorService(ApiContext& context);
std::unique_ptr<::grpc::Service> MakeImageService(ApiContext& context);
std::unique_ptr<::grpc::Service> MakeNetworkService(ApiContext& context);
std::unique_ptr<::grpc::Service> MakeHostService(ApiContext& context);
std::unique_ptr<::grpc::Service> MakePlacementService(ApiContext& context);
std::unique_ptr<::grpc::Service> MakeAggregateService(ApiContext& context);
std::unique_ptr<::grpc::Service> MakeResourceProviderService(ApiContext& context);
std::unique_ptr<::grpc::Service> MakeServerGroupService(ApiContext& context);
std::unique_ptr<::grpc::Service> MakeInstanceService(ApiContext& context, ConsoleRoute& console,
                                                     WatchPump& pump);

// Asks a host's agent for a console.
class ConsoleRoute {
 public:
  virtual ~ConsoleRoute() = default;
  // `done` runs once, from any thread. UNAVAILABLE/HOST_DOWN when the host has no session.
  virtual void Ask(const std::string& host, const Uuid& instance, std::int32_t max_bytes,
                   std::chrono::milliseconds deadline, ConsoleCallback done) = 0;
};

// The agents' service, which also tells them of changed flavors.
struct AgentApi {
  std::unique_ptr<::grpc::Service> service;
  ConsoleRoute* console = nullptr;        // lives with the service
  std::function<void()> flavors_changed;  // quick; any thread
  std::function<void()> stop;             // ends all sessions and questions
};
AgentApi MakeAgentService(ApiContext& context);

}  // namespace kilonova::scheduler::adapters::grpc
