// SPDX-License-Identifier: Apache-2.0
// Stands where the API will be while the state is loaded, and answers every call at once:
// UNAVAILABLE with reason STARTING, so that a client knows that the scheduler is there and coming,
// which a refused connection does not say. The health service says NOT_SERVING.
#pragma once

#include <memory>

#include "common/base/reason.h"
#include "scheduler/adapters/grpc/api_server.h"

namespace kilonova::reason {
inline constexpr Reason kStarting{"STARTING"};
}  // namespace kilonova::reason

namespace kilonova::scheduler::adapters::grpc {

class StartingServer {
 public:
  // Errors as ApiServer::Start. With port 0, which nobody can know yet, it does nothing.
  static Expected<std::unique_ptr<StartingServer>> Start(const ApiOptions& options);
  ~StartingServer();  // the address is free when it returns

 private:
  class Impl;
  explicit StartingServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kilonova::scheduler::adapters::grpc
