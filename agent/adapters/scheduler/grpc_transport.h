// SPDX-License-Identifier: Apache-2.0
// The session's transport over gRPC: one channel, synchronous streams.
#pragma once

#include <memory>

#include "agent/adapters/scheduler/transport.h"
#include "proto/grpc/channel.h"

namespace kilonova::agent::adapters::scheduler {

// CONFIG_INVALID when the target or the TLS files are no good. Connects when first used.
Expected<std::unique_ptr<Transport>> MakeGrpcTransport(
    const ::kilonova::grpc::ChannelOptions& options);

}  // namespace kilonova::agent::adapters::scheduler
