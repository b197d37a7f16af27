// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/starting_server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

#include "proto/grpc/server.h"
#include "proto/grpc/status.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

namespace wire = ::kilonova::grpc;

class Refusal final : public ::grpc::ServerGenericBidiReactor {
 public:
  Refusal() {
    Finish(wire::ToGrpc(Error(Code::kUnavailable, reason::kStarting,
                              "the scheduler is starting: it loads its state")));
  }
  void OnDone() override { delete this; }  // as gRPC has it
};

class RefuseAll final : public ::grpc::CallbackGenericService {
 public:
  ::grpc::ServerGenericBidiReactor* CreateReactor(::grpc::GenericCallbackServerContext*) override {
    return new Refusal();
  }
};

}  // namespace

class StartingServer::Impl {
 public:
  ~Impl() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  Status Serve(const ApiOptions& options) {
    ::grpc::ServerBuilder builder;
    int port = 0;
    RETURN_IF_ERROR(wire::ConfigureServer(
        {.listen = options.listen, .tls = options.tls, .reflection = false}, &builder, &port));
    builder.RegisterCallbackGenericService(&refuse_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return Error(Code::kUnavailable, reason::kConfigInvalid, "cannot listen on " + options.listen,
                   {{"field", "listen"}});
    }
    wire::SetServing(server_.get(), false);
    return OkStatus();
  }

 private:
  RefuseAll refuse_;
  std::unique_ptr<::grpc::Server> server_;
};

Expected<std::unique_ptr<StartingServer>> StartingServer::Start(const ApiOptions& options) {
  auto impl = std::make_unique<Impl>();
  if (!options.listen.ends_with(":0")) RETURN_IF_ERROR(impl->Serve(options));
  return std::unique_ptr<StartingServer>(new StartingServer(std::move(impl)));
}

StartingServer::StartingServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StartingServer::~StartingServer() = default;

}  // namespace kilonova::scheduler::adapters::grpc
