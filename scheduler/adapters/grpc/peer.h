// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "common/base/status.h"

namespace grpc {
class CallbackServerContext;
}

namespace kilonova::scheduler::adapters::grpc {

// OK when the client's certificate names `host` as a DNS name of its subjectAltName, or, if it has
// none, as its common name. PERMISSION_DENIED/HOST_IDENTITY_MISMATCH otherwise.
Status CheckPeerIsHost(const ::grpc::CallbackServerContext& call, const std::string& host);

}  // namespace kilonova::scheduler::adapters::grpc
