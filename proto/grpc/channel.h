// SPDX-License-Identifier: Apache-2.0
// Channels to a scheduler. A channel connects by itself, again and again; creating one does no I/O
// beyond reading the PEM files.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "proto/grpc/endpoint.h"

namespace grpc {
class Channel;
class ClientContext;
}  // namespace grpc

namespace kilonova::grpc {

struct ChannelOptions {
  std::string target;     // as an address of endpoint.h
  TlsFiles tls;           // `ca` checks the server, cert and key are ours (mTLS)
  std::string authority;  // name the server's certificate must have; "" = from the target
  int max_receive_bytes = 4 << 20;
  std::chrono::milliseconds keepalive = std::chrono::seconds(10);
  std::chrono::milliseconds max_reconnect_backoff = std::chrono::seconds(15);
};

Expected<std::shared_ptr<::grpc::Channel>> MakeChannel(const ChannelOptions& options);

inline constexpr std::chrono::seconds kDefaultDeadline{30};
void SetDeadline(::grpc::ClientContext* context, std::chrono::milliseconds from_now);

}  // namespace kilonova::grpc
