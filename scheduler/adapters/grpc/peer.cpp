// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/peer.h"

#include <absl/strings/str_replace.h>
#include <arpa/inet.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <array>

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

std::string AddressOfPeer(std::string_view peer) {
  if (peer.starts_with("unix")) return "127.0.0.1";
  const bool v4 = peer.starts_with("ipv4:");
  if (!v4 && !peer.starts_with("ipv6:")) return {};
  peer.remove_prefix(5);
  std::string text(peer.substr(0, peer.rfind(':')));
  if (!v4) {
    // Brackets and the zone's % are escaped, as in URIs.
    text = absl::StrReplaceAll(text, {{"%5B", ""}, {"%5D", ""}, {"[", ""}, {"]", ""}});
    text = text.substr(0, text.find('%'));
  }
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const int family = v4 ? AF_INET : AF_INET6;
  return inet_pton(family, text.c_str(), address.data()) == 1 ? text : std::string();
}

std::string AddressOfPeer(const ::grpc::CallbackServerContext& call) {
  return AddressOfPeer(call.peer());
}

}  // namespace kilonova::scheduler::adapters::grpc
