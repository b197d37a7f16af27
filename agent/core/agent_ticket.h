// SPDX-License-Identifier: Apache-2.0
// Between agent.cpp and agent_run.cpp: an accepted message on its way through the queue.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/core/agent.h"
#include "common/model/methods.h"

namespace kilonova::agent::core {

struct Agent::Ticket {
  JournalEntry entry;  // without its body
  // Null until a worker reads the body again. Shared: the queue's std::function copies the ticket's
  // holder.
  std::shared_ptr<const model::ComputeRequest> request;
  std::string body;
  std::unique_ptr<Runnable> running;  // from its first run to its end
};

inline std::string OperationName(const std::string& method) {
  if (method == model::kBuildMethod) return "build";
  return method.substr(0, method.find('_'));  // terminate_instance -> terminate
}

}  // namespace kilonova::agent::core
