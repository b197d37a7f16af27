// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/peer.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

namespace kilonova::scheduler::adapters::grpc {

Status CheckPeerIsHost(const ::grpc::CallbackServerContext& call, const std::string& host) {
  const auto auth = call.auth_context();
  bool has_dns = false;
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    for (const auto& name : auth->FindPropertyValues(GRPC_PEER_DNS_PROPERTY_NAME)) {
      if (std::string(name.data(), name.size()) == host) return OkStatus();
      has_dns = true;
    }
    if (!has_dns) {
      for (const auto& name : auth->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME)) {
        if (std::string(name.data(), name.size()) == host) return OkStatus();
      }
    }
  }
  return Error(Code::kPermissionDenied, reason::kHostIdentityMismatch,
               "the client's certificate is not host '" + host + "'s", {{"host", host}});
}

}  // namespace kilonova::scheduler::adapters::grpc
