// SPDX-License-Identifier: Apache-2.0
// One AgentService.Session call: an inbox worked off in order on the pool, an outbox written one
// after the other. For service .cpp files only.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <kilonova/v1/agent.pb.h>

#include <functional>

#include "scheduler/adapters/grpc/agent_session.h"
#include "scheduler/adapters/grpc/console_broker.h"
#include "scheduler/adapters/grpc/context.h"

namespace kilonova::scheduler::adapters::grpc {

struct AgentDesk {
  ApiContext& context;
  SessionRegistry sessions;
  ConsoleBroker console;
  // Tells `session` the flavors unless it has those of `hash`; nullptr: tells all.
  std::function<void(AgentSession* session, const std::string& hash)> sync_flavors;
};

// Owns itself until gRPC is done with it.
::grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>* StartAgentStream(
    AgentDesk& desk, ::grpc::CallbackServerContext* call);

}  // namespace kilonova::scheduler::adapters::grpc
