// SPDX-License-Identifier: Apache-2.0
// What every gRPC server of ours is built with: credentials, limits, keepalive, health, reflection.
#pragma once

#include <memory>
#include <string>

#include "common/base/status.h"
#include "proto/grpc/endpoint.h"

namespace grpc {
class Server;
class ServerBuilder;
}  // namespace grpc

namespace kilonova::grpc {

struct ServerOptions {
  std::string listen;  // an address of endpoint.h; port 0 takes a free one
  TlsFiles tls;        // cert and key are ours, `ca` checks clients
  int max_receive_bytes = 4 << 20;
  bool reflection = true;
};

// A client's request may be this large; agents may send up to ServerOptions.max_receive_bytes.
inline constexpr std::size_t kMaxClientRequest = 1 << 20;

// Sets up `builder`, all but the services. The port bound is in *port (1 for a unix socket, 0 when
// it failed) once BuildAndStart has returned.
Status ConfigureServer(const ServerOptions& options, ::grpc::ServerBuilder* builder, int* port);

// The health service's answer for every service.
void SetServing(::grpc::Server* server, bool serving);

}  // namespace kilonova::grpc
