// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

namespace kilonova::grpc {
namespace {

Expected<std::shared_ptr<::grpc::ServerCredentials>> Credentials(const TlsFiles& tls) {
  if (!tls.enabled()) return ::grpc::InsecureServerCredentials();
  if (tls.cert.empty() || (tls.require_client_certificate && tls.ca.empty())) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 "a TLS server needs cert and key, and ca to check client certificates",
                 {{"field", "tls"}});
  }
  ::grpc::SslServerCredentialsOptions options(
      tls.require_client_certificate ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                     : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  ASSIGN_OR_RETURN(std::string cert, ReadPem(tls.cert));
  ASSIGN_OR_RETURN(std::string key, ReadPem(tls.key));
  if (!tls.ca.empty()) {
    ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(tls.ca));
  }
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(cert)});
  return ::grpc::SslServerCredentials(options);
}

}  // namespace

Status ConfigureServer(const ServerOptions& options, ::grpc::ServerBuilder* builder, int* port) {
  RETURN_IF_ERROR(CheckEndpoint(options.listen, options.tls));
  ASSIGN_OR_RETURN(auto credentials, Credentials(options.tls));
  ::grpc::EnableDefaultHealthCheckService(true);
  if (options.reflection) ::grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  builder->AddListeningPort(options.listen, credentials, port);
  builder->SetMaxReceiveMessageSize(options.max_receive_bytes);
  // A second server on the same port must fail, not share it.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 10'000);
  return OkStatus();
}

void SetServing(::grpc::Server* server, bool serving) {
  if (auto* health = server->GetHealthCheckService()) health->SetServingStatus(serving);
}

}  // namespace kilonova::grpc
