// SPDX-License-Identifier: Apache-2.0
// What the scheduler decides must be what an agent reads.
#include "scheduler/adapters/amqp/message_encoder.h"

#include <gtest/gtest.h>

#include "tests/unit/proto/oslo/builders.h"

namespace kilonova::scheduler::adapters::amqp {
namespace {

const std::string kUniqueId = "67e0c053f43a433ba2159d66f64d9d57";
const std::string kRequestId = "req-975d7e40-c10b-448a-b5ba-7b8724ef099c";

core::InstanceRecord RecordOf(const model::BuildRequest& build) {
  core::InstanceRecord record;
  record.spec = build.instance;
  record.spec.admin_password.clear();
  record.flavor = std::make_shared<const model::Flavor>(build.flavor);
  record.image = std::make_shared<const model::ImageSource>(build.image);
  record.nics = build.nics;
  record.host = "host1";
  record.node = "node1";
  record.claim_id = build.claim.claim_id;
  record.generation = build.claim.generation;
  record.vm_state = model::VmState::kActive;
  record.task_state = model::TaskState::kPoweringOff;
  record.power_state = model::PowerState::kRunning;
  record.updated_at = build.instance.created_at;
  return record;
}

TEST(OsloMessageEncoder, Build_ReadsBackAsTheSameRequest) {
  const model::BuildRequest build = oslo::testing::SomeBuild();
  const core::InstanceRecord record = RecordOf(build);
  const auto body = OsloMessageEncoder().EncodeBuild({.request = build,
                                                      .instance = record,
                                                      .destination = {"host1", "node1"},
                                                      .unique_id = kUniqueId,
                                                      .request_id = kRequestId});
  ASSERT_TRUE(body.ok()) << body.status();
  const auto read = oslo::DecodeComputeRequest(*body);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(std::get<model::BuildRequest>(read->request.body) == build);
  EXPECT_EQ(read->request.unique_id, kUniqueId);
  EXPECT_EQ(read->request.request_id, kRequestId);
}

TEST(OsloMessageEncoder, PciRequests_ReadBack) {
  model::BuildRequest build = oslo::testing::SomeBuild();
  build.pci_requests = {
      {2,
       {{{"vendor_id", "10de"}, {"dev_type", "type-PCI"}}, {{"vendor_id", "8086"}}},
       "gpu",
       Uuid::Random().str(),
       "preferred"},
      {1, {{{"product_id", "154d"}}}, "nic", Uuid::Random().str(), "legacy"}};
  const core::InstanceRecord record = RecordOf(build);
  const auto body =
      OsloMessageEncoder().EncodeBuild({build, record, {"host1", "node1"}, kUniqueId, kRequestId});
  ASSERT_TRUE(body.ok()) << body.status();
  const auto read = oslo::DecodeComputeRequest(*body);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::get<model::BuildRequest>(read->request.body).pci_requests, build.pci_requests);
}

TEST(OsloMessageEncoder, SameInput_GivesTheSameBytes) {
  const model::BuildRequest build = oslo::testing::SomeBuild();
  const core::InstanceRecord record = RecordOf(build);
  const core::BuildMessage message{build, record, {"host1", "node1"}, kUniqueId, kRequestId};
  EXPECT_EQ(OsloMessageEncoder().EncodeBuild(message).value(),
            OsloMessageEncoder().EncodeBuild(message).value());
}

TEST(OsloMessageEncoder, EveryAction_ReadsBackAsTheSameRequest) {
  const model::BuildRequest build = oslo::testing::SomeBuild();
  const core::InstanceRecord record = RecordOf(build);
  for (const model::ActionKind kind : {model::ActionKind::kTerminate, model::ActionKind::kStart,
                                       model::ActionKind::kStop, model::ActionKind::kReboot}) {
    model::ActionRequest action;
    action.kind = kind;
    action.instance_uuid = record.uuid();
    action.instance_id = record.spec.id;
    action.generation = record.generation;
    if (kind == model::ActionKind::kStop) action.clean_shutdown = false;
    if (kind == model::ActionKind::kReboot) action.reboot_type = model::RebootType::kHard;
    const auto body = OsloMessageEncoder().EncodeAction(
        {.request = action, .instance = record, .unique_id = kUniqueId, .request_id = kRequestId});
    ASSERT_TRUE(body.ok()) << body.status();
    const auto read = oslo::DecodeComputeRequest(*body);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(std::get<model::ActionRequest>(read->request.body) == action);
    EXPECT_EQ(read->request.request_id, kRequestId);
  }
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::amqp
