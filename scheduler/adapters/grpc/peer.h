// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"

namespace grpc {
class CallbackServerContext;
}

namespace kilonova::scheduler::adapters::grpc {

// OK when the client's certificate names `host` as a DNS name of its subjectAltName, or, if it has
// none, as its common name. PERMISSION_DENIED/HOST_IDENTITY_MISMATCH otherwise.
Status CheckPeerIsHost(const ::grpc::CallbackServerContext& call, const std::string& host);

// The IP address in gRPC's name of a peer: "10.0.0.7" of "ipv4:10.0.0.7:41000". 127.0.0.1 of a
// Unix socket; empty when it cannot be told.
std::string AddressOfPeer(std::string_view peer);
std::string AddressOfPeer(const ::grpc::CallbackServerContext& call);

}  // namespace kilonova::scheduler::adapters::grpc
