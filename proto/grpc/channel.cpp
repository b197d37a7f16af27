// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/channel.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

namespace kilonova::grpc {
namespace {

Expected<std::shared_ptr<::grpc::ChannelCredentials>> Credentials(const TlsFiles& tls) {
  if (!tls.enabled()) return ::grpc::InsecureChannelCredentials();
  ::grpc::SslCredentialsOptions options;
  if (!tls.ca.empty()) {
    ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(tls.ca));
  }
  if (!tls.cert.empty()) {
    ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPem(tls.cert));
    ASSIGN_OR_RETURN(options.pem_private_key, ReadPem(tls.key));
  }
  return ::grpc::SslCredentials(options);
}

}  // namespace

Expected<std::shared_ptr<::grpc::Channel>> MakeChannel(const ChannelOptions& options) {
  RETURN_IF_ERROR(CheckEndpoint(options.target, options.tls));
  ASSIGN_OR_RETURN(auto credentials, Credentials(options.tls));
  ::grpc::ChannelArguments args;
  args.SetMaxReceiveMessageSize(options.max_receive_bytes);
  args.SetMaxSendMessageSize(4 << 20);
  const auto keepalive = static_cast<int>(options.keepalive.count());
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive / 2);
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 0);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // In truth the time one attempt may take, handshake included: a loaded server needs it.
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
              static_cast<int>(options.max_reconnect_backoff.count()));
  // Two channels of one process must not share a connection: a restarted client is a new one.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!options.authority.empty()) args.SetSslTargetNameOverride(options.authority);
  return ::grpc::CreateCustomChannel(options.target, credentials, args);
}

void SetDeadline(::grpc::ClientContext* context, std::chrono::milliseconds from_now) {
  context->set_deadline(std::chrono::system_clock::now() + from_now);
}

}  // namespace kilonova::grpc
