// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/api_server.h"

#include <grpcpp/impl/service_type.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <utility>
#include <vector>

#include "common/base/log.h"
#include "proto/grpc/server.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/watch_pump.h"

namespace kilonova::scheduler::adapters::grpc {

namespace wire = ::kilonova::grpc;

class ApiServer::Impl {
 public:
  Impl(const ApiOptions& options, core::Conductor& conductor, const Clock& clock,
       runtime::Metrics* metrics)
      : context_{.conductor = conductor,
                 .clock = clock,
                 .metrics = metrics,
                 .check_host_identity = options.tls.require_client_certificate,
                 .extra_specs_validation = options.extra_specs_validation},
        pump_(options.watch_idle),
        agents_(MakeAgentService(context_)) {
    services_.push_back(MakeFlavorService(context_));
    services_.push_back(MakeImageService(context_));
    services_.push_back(MakeNetworkService(context_));
    services_.push_back(MakeHostService(context_));
    services_.push_back(MakePlacementService(context_));
    services_.push_back(MakeAggregateService(context_));
    services_.push_back(MakeServerGroupService(context_));
    services_.push_back(MakeResourceProviderService(context_));
    services_.push_back(MakeInstanceService(context_, *agents_.console, pump_));
    conductor.OnFlavorsChanged(agents_.flavors_changed);
  }

  ~Impl() { Drain(std::chrono::milliseconds(0)); }

  Status Serve(const ApiOptions& options) {
    ::grpc::ServerBuilder builder;
    int port = 0;
    RETURN_IF_ERROR(wire::ConfigureServer(
        {.listen = options.listen, .tls = options.tls, .reflection = options.reflection}, &builder,
        &port));
    for (const auto& service : services_) builder.RegisterService(service.get());
    builder.RegisterService(agents_.service.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return Error(Code::kUnavailable, reason::kConfigInvalid, "cannot listen on " + options.listen,
                   {{"field", "listen"}});
    }
    address_ = options.listen;
    if (address_.ends_with(":0")) {
      address_ = address_.substr(0, address_.size() - 1) + std::to_string(port);
    }
    wire::SetServing(server_.get(), true);
    return OkStatus();
  }

  void Drain(std::chrono::milliseconds patience) {
    if (std::exchange(drained_, true)) return;
    if (server_ != nullptr) {
      wire::SetServing(server_.get(), false);
      context_.draining = true;
      // Sessions and watches would use up the patience doing nothing.
      agents_.stop();
      pump_.Stop();
      server_->Shutdown(std::chrono::system_clock::now() + patience);
      context_.streams.WaitNone();
    }
    context_.conductor.OnFlavorsChanged({});
    context_.requests.Stop();
    context_.agents.Stop();
    server_.reset();
  }

  const std::string& address() const { return address_; }

 private:
  ApiContext context_;
  WatchPump pump_;
  AgentApi agents_;
  std::vector<std::unique_ptr<::grpc::Service>> services_;
  std::unique_ptr<::grpc::Server> server_;
  std::string address_;
  bool drained_ = false;
};

Expected<std::unique_ptr<ApiServer>> ApiServer::Start(const ApiOptions& options,
                                                      core::Conductor& conductor,
                                                      const Clock& clock,
                                                      runtime::Metrics* metrics) {
  auto impl = std::make_unique<Impl>(options, conductor, clock, metrics);
  RETURN_IF_ERROR(impl->Serve(options));
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() = default;
const std::string& ApiServer::address() const { return impl_->address(); }
void ApiServer::Drain(std::chrono::milliseconds patience) { impl_->Drain(patience); }

}  // namespace kilonova::scheduler::adapters::grpc
