// SPDX-License-Identifier: Apache-2.0
// One WatchInstances call. For service .cpp files only.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <kilonova/v1/instance.pb.h>

#include "scheduler/adapters/grpc/context.h"
#include "scheduler/adapters/grpc/watch_pump.h"

namespace kilonova::scheduler::adapters::grpc {

// Owns itself until gRPC is done with it.
::grpc::ServerWriteReactor<v1::WatchInstancesResponse>* StartWatch(
    ApiContext& context, WatchPump& pump, const v1::WatchInstancesRequest& request);

}  // namespace kilonova::scheduler::adapters::grpc
