// SPDX-License-Identifier: Apache-2.0
// A server on a unix socket over a conductor on a real database, and clients for it.
#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <kilonova/v1/agent.grpc.pb.h>
#include <kilonova/v1/aggregate.grpc.pb.h>
#include <kilonova/v1/flavor.grpc.pb.h>
#include <kilonova/v1/host.grpc.pb.h>
#include <kilonova/v1/image.grpc.pb.h>
#include <kilonova/v1/instance.grpc.pb.h>
#include <kilonova/v1/network.grpc.pb.h>
#include <kilonova/v1/placement.grpc.pb.h>
#include <kilonova/v1/server_group.grpc.pb.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/grpc/channel.h"
#include "proto/grpc/status.h"
#include "scheduler/adapters/grpc/api_server.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::adapters::grpc {

inline bool Eventually(const std::function<bool()>& condition) {
  const absl::Time until = absl::Now() + absl::Seconds(60);
  while (!condition()) {
    if (absl::Now() > until) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

// Calls a stub's method with a deadline; the error as a Status of ours.
template <class Stub, class Request, class Response>
Status Call(Stub& stub,
            ::grpc::Status (Stub::*method)(::grpc::ClientContext*, const Request&, Response*),
            const Request& request, Response* response) {
  ::grpc::ClientContext context;
  ::kilonova::grpc::SetDeadline(&context, std::chrono::seconds(60));
  return ::kilonova::grpc::FromGrpc((stub.*method)(&context, request, response));
}

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() { StartServer(); }
  ~ApiTest() override { StopServer(); }

  void StartServer() {
    ApiOptions options{.listen = Socket()};
    options.watch_idle = std::chrono::milliseconds(50);
    options.extra_specs_validation = extra_specs_validation_;
    auto server = ApiServer::Start(options, *rig_.conductor, SystemClock(), nullptr);
    ASSERT_TRUE(server.ok()) << Describe(server.status());
    server_ = *std::move(server);
    channel_ = *::kilonova::grpc::MakeChannel({.target = Socket()});
    flavors_ = v1::FlavorService::NewStub(channel_);
    images_ = v1::ImageService::NewStub(channel_);
    networks_ = v1::NetworkService::NewStub(channel_);
    hosts_ = v1::HostService::NewStub(channel_);
    placement_ = v1::PlacementService::NewStub(channel_);
    instances_ = v1::InstanceService::NewStub(channel_);
    agents_ = v1::AgentService::NewStub(channel_);
    aggregates_ = v1::AggregateService::NewStub(channel_);
    groups_ = v1::ServerGroupService::NewStub(channel_);
  }
  void StopServer() {
    if (server_ != nullptr) server_->Drain(std::chrono::seconds(1));
    server_.reset();
  }
  // Of the next StartServer.
  flavors::extra_specs::Validation extra_specs_validation_ =
      flavors::extra_specs::Validation::kStrict;
  std::string Socket() const { return "unix:" + dir_.File("api.sock"); }

  static v1::CreateInstancesRequest CreateRequest(const std::string& id, int count = 1) {
    v1::CreateInstancesRequest request;
    request.set_request_id(id);
    request.set_count(count);
    request.mutable_template_()->set_name("web");
    request.mutable_template_()->set_flavor("m1.tiny");
    request.mutable_template_()->set_image("cirros");
    request.mutable_template_()->add_networks("net");
    return request;
  }
  Expected<v1::CreateInstancesResponse> Create(const v1::CreateInstancesRequest& request) {
    v1::CreateInstancesResponse response;
    const Status status =
        Call(*instances_, &v1::InstanceService::Stub::CreateInstances, request, &response);
    if (!status.ok()) return status;
    return response;
  }

  core::TempDir dir_;
  core::Rig rig_{dir_.File("state.db")};
  std::unique_ptr<ApiServer> server_;
  std::shared_ptr<::grpc::Channel> channel_;
  std::unique_ptr<v1::FlavorService::Stub> flavors_;
  std::unique_ptr<v1::ImageService::Stub> images_;
  std::unique_ptr<v1::NetworkService::Stub> networks_;
  std::unique_ptr<v1::HostService::Stub> hosts_;
  std::unique_ptr<v1::PlacementService::Stub> placement_;
  std::unique_ptr<v1::InstanceService::Stub> instances_;
  std::unique_ptr<v1::AgentService::Stub> agents_;
  std::unique_ptr<v1::AggregateService::Stub> aggregates_;
  std::unique_ptr<v1::ServerGroupService::Stub> groups_;
};

// An agent as a bare stream, for what a well-behaved one would not do.
class RawAgent {
 public:
  explicit RawAgent(v1::AgentService::Stub& stub) : stream_(stub.Session(&context_)) {}
  ~RawAgent() { End(); }

  static v1::SessionRequest HelloOf(const std::string& host, const std::string& journal) {
    v1::SessionRequest request;
    v1::Hello* hello = request.mutable_hello();
    hello->set_host(host);
    hello->set_agent_version("raw");
    hello->set_journal_id(journal);
    v1::HostReport* report = hello->mutable_report();
    report->set_hypervisor_type("QEMU");
    report->set_hypervisor_version(7002022);
    report->set_cpu_arch("x86_64");
    auto* supported = report->add_supported_instances();
    supported->set_arch("x86_64");
    supported->set_hv_type("kvm");
    supported->set_vm_mode("hvm");
    for (const auto& [name, total] :
         {std::pair{"VCPU", 256}, std::pair{"MEMORY_MB", 524288}, std::pair{"DISK_GB", 9000}}) {
      auto* inventory = report->add_inventories();
      inventory->set_resource_class(name);
      inventory->set_total(total);
      inventory->set_max_unit(total);
      inventory->set_min_unit(1);
      inventory->set_step_size(1);
      inventory->set_allocation_ratio(1.0);
    }
    return request;
  }

  bool Say(const v1::SessionRequest& request) { return stream_->Write(request); }
  // The next message; an empty one when the stream is over.
  v1::SessionResponse Hear() {
    v1::SessionResponse response;
    if (!stream_->Read(&response)) response.Clear();
    return response;
  }
  // The next one of that kind, others skipped.
  v1::SessionResponse Hear(v1::SessionResponse::MessageCase kind) {
    while (true) {
      v1::SessionResponse response = Hear();
      if (response.message_case() == kind ||
          response.message_case() == v1::SessionResponse::MESSAGE_NOT_SET) {
        return response;
      }
    }
  }
  v1::Welcome Greet(const std::string& host, const std::string& journal) {
    EXPECT_TRUE(Say(HelloOf(host, journal)));
    const auto response = Hear();
    EXPECT_TRUE(response.has_welcome());
    return response.welcome();
  }
  // Why the server ended it.
  Status Why() {
    while (Hear().message_case() != v1::SessionResponse::MESSAGE_NOT_SET) {
    }
    over_ = true;
    return ::kilonova::grpc::FromGrpc(stream_->Finish());
  }
  void End() {
    if (over_) return;
    over_ = true;
    context_.TryCancel();
    v1::SessionResponse ignored;
    while (stream_->Read(&ignored)) {
    }
    stream_->Finish();
  }

 private:
  ::grpc::ClientContext context_;
  std::unique_ptr<::grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  bool over_ = false;
};

}  // namespace kilonova::scheduler::adapters::grpc
