// SPDX-License-Identifier: Apache-2.0
// The API in front of a conductor whose messages are the real ones, and what an agent makes of
// them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "agent/guest/describe.h"
#include "agent/guest/devices_wanted.h"
#include "agent/guest/domain.h"
#include "agent/guest/features.h"
#include "agent/guest/request.h"
#include "common/hardware/constraints.h"
#include "proto/oslo/decode.h"
#include "scheduler/adapters/amqp/message_encoder.h"
#include "tests/integration/grpc/api.h"

namespace kilonova::testing {

// A flavor small enough for thousands of instances, an image, and a host for them. Extra specs of
// flavors are not judged when they are made, so that each reaches the creation; queries are read.
class BadInputTest : public scheduler::adapters::grpc::ApiTest {
 public:
  // What the agent reads from a message, or why it refuses it.
  static Expected<model::BuildRequest> Read(const std::string& body) {
    ASSIGN_OR_RETURN(auto received, oslo::DecodeComputeRequest(body));
    return std::get<model::BuildRequest>(std::move(received.request.body));
  }
  // The domain the agent makes of it, by the steps of its build.
  static Expected<std::string> Xml(const model::BuildRequest& build) {
    agent::guest::GuestConfig config;
    config.host = "c1";
    config.paths.state_dir = "/var/lib/kilonova";
    config.virt_type = "kvm";  // what is asked of interfaces' queues counts there alone
    config.console.serial_enabled = true;
    RETURN_IF_ERROR(agent::guest::CheckServed(build));
    ASSIGN_OR_RETURN(const auto devices, agent::guest::DevicesWantedOf(config, build));
    static_cast<void>(devices);
    ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(build.image.properties));
    RETURN_IF_ERROR(hardware::NumaConstraints({.flavor = build.flavor, .image = image}).status());
    ASSIGN_OR_RETURN(auto input,
                     agent::guest::InputOf(config, {}, build,
                                           {"/var/lib/kilonova/images/a.raw", "raw", 1 << 20}));
    input.serial_ports = {10'000, 10'001, 10'002};
    ASSIGN_OR_RETURN(const auto disks, agent::guest::PlaceDisks(config, input));
    ASSIGN_OR_RETURN(const auto domain, agent::guest::DescribeGuest(config, {}, input, disks));
    return agent::guest::DomainXml(domain);
  }

 protected:
  BadInputTest() {
    StopServer();
    rig_.conductor->Stop();
    rig_.conductor.reset();
    scheduler::core::Pipeline pipeline = scheduler::core::DefaultPipeline();
    auto names = scheduler::filters::DefaultFilters();
    names.emplace_back("JsonFilter");
    pipeline.filters = scheduler::filters::MakeFilters(names, {}).value();
    rig_.engine = std::make_unique<scheduler::core::Engine>(std::move(pipeline));
    auto made = scheduler::core::Conductor::Open(*rig_.store, *rig_.engine, encoder_, rig_.clock,
                                                 rig_.options());
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    rig_.conductor = *std::move(made);
    extra_specs_validation_ = flavors::extra_specs::Validation::kDisabled;
    StartServer();
    rig_.AddCatalog();
    scheduler::core::HostHello hello;
    hello.agent_version = "test";
    hello.journal_id = Uuid::Random().str();
    hello.report = scheduler::core::Rig::Report("c1", 100'000, 1 << 27, 1 << 22);
    EXPECT_TRUE(rig_.conductor->HostUp(hello).ok());
  }
  ~BadInputTest() override {
    StopServer();
    rig_.Close();  // before the encoder
  }

  static v1::CreateInstancesRequest Request(const std::string& id) {
    auto request = CreateRequest(id);
    request.mutable_template_()->clear_networks();
    return request;
  }
  // The bodies that wait for the broker, taken away.
  std::vector<std::string> Bodies() {
    std::vector<std::string> bodies;
    for (auto& row : rig_.Deliver()) bodies.push_back(std::move(row.body));
    return bodies;
  }
  std::int64_t Instances() {
    v1::ListInstancesResponse response;
    EXPECT_TRUE(Call(*instances_, &v1::InstanceService::Stub::ListInstances,
                     v1::ListInstancesRequest(), &response)
                    .ok());
    return response.instances_size();
  }
  template <class Stub, class Request, class Response>
  static Status Call(Stub& stub,
                     ::grpc::Status (Stub::*method)(::grpc::ClientContext*, const Request&,
                                                    Response*),
                     const Request& request, Response* response) {
    return scheduler::adapters::grpc::Call(stub, method, request, response);
  }

  scheduler::adapters::amqp::OsloMessageEncoder encoder_;
};

}  // namespace kilonova::testing
