// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/adapters/scheduler/transport.h"

namespace kilonova::v1 {
class SessionRequest;
class SessionResponse;
}  // namespace kilonova::v1

namespace kilonova::agent::adapters::scheduler {

void ToProto(const Outbound& message, v1::SessionRequest* out);
// INVALID_ARGUMENT for an empty message, one of a kind this agent does not know, or a bad value.
Expected<Inbound> FromProto(const v1::SessionResponse& message);

}  // namespace kilonova::agent::adapters::scheduler
