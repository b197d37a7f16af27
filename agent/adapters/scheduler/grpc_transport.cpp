// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/grpc_transport.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <kilonova/v1/agent.grpc.pb.h>

#include <algorithm>
#include <utility>

#include "agent/adapters/scheduler/session_messages.h"
#include "common/base/log.h"
#include "proto/grpc/status.h"

namespace kilonova::agent::adapters::scheduler {
namespace {

namespace wire = ::kilonova::grpc;
using v1::AgentService;

class GrpcStream final : public Stream {
 public:
  explicit GrpcStream(AgentService::Stub* stub) : stream_(stub->Session(&context_)) {}

  ~GrpcStream() override {
    if (finished_) return;
    context_.TryCancel();
    stream_->Finish();
  }

  bool Write(const Outbound& message) override {
    v1::SessionRequest request;
    ToProto(message, &request);
    return stream_->Write(request);
  }

  std::optional<Inbound> Read() override {
    v1::SessionResponse response;
    while (stream_->Read(&response)) {
      auto message = FromProto(response);
      if (message.ok()) return *std::move(message);
      // A newer scheduler may say things this agent was not told about: they are optional.
      LogWarn("session message passed over", {F("why", message.status())});
    }
    return std::nullopt;
  }

  void Cancel() override { context_.TryCancel(); }

  Status Finish() override {
    finished_ = true;
    return wire::FromGrpc(stream_->Finish());
  }

 private:
  ::grpc::ClientContext context_;
  std::unique_ptr<::grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  bool finished_ = false;
};

class GrpcTransport final : public Transport {
 public:
  explicit GrpcTransport(std::shared_ptr<::grpc::Channel> channel)
      : channel_(std::move(channel)), stub_(AgentService::NewStub(channel_)) {}

  std::unique_ptr<Stream> Open() override {
    // gRPC moves a connection along only while somebody waits for it: between two attempts of ours
    // a TLS handshake would starve until the server gave it up. So one is waited for here.
    channel_->WaitForConnected(std::chrono::system_clock::now() + kConnectWait);
    return std::make_unique<GrpcStream>(stub_.get());
  }

  Status ConfirmStart(const std::string& host, const Uuid& instance, std::int64_t generation,
                      std::chrono::milliseconds deadline) override {
    ::grpc::ClientContext context;
    wire::SetDeadline(&context, deadline);
    v1::ConfirmStartRequest request;
    request.set_host(host);
    request.set_instance_uuid(instance.str());
    request.set_generation(generation);
    v1::ConfirmStartResponse response;
    return wire::FromGrpc(stub_->ConfirmStart(&context, request, &response));
  }

 private:
  // Long enough for a handshake, short enough not to hold up the end of the process.
  static constexpr std::chrono::seconds kConnectWait{2};
  const std::shared_ptr<::grpc::Channel> channel_;  // gRPC's own ownership
  const std::unique_ptr<AgentService::Stub> stub_;
};

}  // namespace

Expected<std::unique_ptr<Transport>> MakeGrpcTransport(const wire::ChannelOptions& options) {
  wire::ChannelOptions own = options;
  // All flavors come in one message; a host that cannot take it has no session at all.
  own.max_receive_bytes = std::max(own.max_receive_bytes, 256 << 20);
  // The session's own backoff spreads the agents; the channel's must not add to it.
  own.max_reconnect_backoff = std::min(own.max_reconnect_backoff, std::chrono::milliseconds(2000));
  ASSIGN_OR_RETURN(auto channel, wire::MakeChannel(own));
  return std::make_unique<GrpcTransport>(std::move(channel));
}

}  // namespace kilonova::agent::adapters::scheduler
