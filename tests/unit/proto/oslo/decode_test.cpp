// SPDX-License-Identifier: Apache-2.0
// What real Nova sent, understood.
#include "proto/oslo/decode.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "common/base/hash.h"
#include "tests/unit/proto/oslo/builders.h"

namespace kilonova::oslo {
namespace {

std::string Captured(const std::string& path) {
  std::ifstream file(std::string(KILONOVA_SOURCE_DIR) + "/tests/captures/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return DumpJson(*ParseJson(text.str()).value().Find("oslo.message"));
}

const std::string kBoot = "boot/004-cast-build_and_run_instance-conductor-to-compute.json";

TEST(Decode, StockBuildIsReadWithoutTicket) {
  const auto received = DecodeInner(Captured(kBoot), {.require_ticket = false});
  ASSERT_TRUE(received.ok()) << Describe(received.status());
  EXPECT_FALSE(received->has_ticket);
  const auto& build = std::get<model::BuildRequest>(received->request.body);
  EXPECT_EQ(received->request.unique_id, "67e0c053f43a433ba2159d66f64d9d57");
  EXPECT_EQ(received->request.request_id, "req-975d7e40-c10b-448a-b5ba-7b8724ef099c");
  EXPECT_EQ(build.instance.uuid.str(), "37115a31-5420-4af9-9389-69e3a9f7e483");
  EXPECT_EQ(build.instance.hostname, "cap-1");
  EXPECT_EQ(build.instance.key_name, "lab-key");
  EXPECT_EQ(build.instance.user_data, "IyEvYmluL3NoCg==");
  EXPECT_EQ(build.instance.user_name, "admin");
  EXPECT_EQ(build.instance.availability_zone, "nova");
  EXPECT_EQ(build.instance.metadata.at("colour"), "blue");
  EXPECT_EQ(FormatNovaTime(build.instance.created_at), "2026-11-22T14:44:28Z");
  EXPECT_EQ(build.flavor.name, "lab.tiny");
  EXPECT_EQ(build.flavor.memory_mb, 128);
  EXPECT_EQ(received->flavor_hash, build.flavor.ContentHash());
  EXPECT_EQ(build.image.id.str(), "977d50f1-4961-4b10-b7f9-5c9ce4bd4a41");
  EXPECT_EQ(build.image.disk_format, "qcow2");
  EXPECT_EQ(build.image.size_bytes, 17170432U);
  ASSERT_EQ(build.nics.size(), 1U);
  EXPECT_EQ(build.nics[0].network_id.str(), "b61bc2f4-e433-47b7-a80b-294ee14474e4");
  EXPECT_EQ(build.claim.generation, 0);
  EXPECT_EQ(build.attempt, 1);
}

TEST(Decode, StockBuildIsRefusedWhereATicketIsNeeded) {
  const auto received = DecodeInner(Captured(kBoot));
  EXPECT_EQ(ReasonOf(received.status()), "CLAIM_MISSING");
}

TEST(Decode, StockKernelBuildNamesKernelAndRamdisk) {
  const auto received = DecodeInner(
      Captured("boot-kernel-ramdisk/004-cast-build_and_run_instance-conductor-to-compute.json"),
      {.require_ticket = false});
  ASSERT_TRUE(received.ok()) << Describe(received.status());
  const auto& build = std::get<model::BuildRequest>(received->request.body);
  EXPECT_EQ(build.kernel->id.str(), "4ab613bc-88dc-4021-8c58-97d247f0b9a2");
  EXPECT_EQ(build.ramdisk->id.str(), "767ac99d-4f58-4112-b75e-909758c03695");
  EXPECT_EQ(build.image.properties.at("os_command_line"), "console=ttyS0 quiet");
}

TEST(Decode, StockActionsAreRead) {
  struct Case {
    const char* path;
    model::ActionKind kind;
  };
  const Case cases[] = {
      {"start/001-cast-start_instance-api-to-compute.json", model::ActionKind::kStart},
      {"stop/001-cast-stop_instance-api-to-compute.json", model::ActionKind::kStop},
      {"reboot-hard/001-cast-reboot_instance-api-to-compute.json", model::ActionKind::kReboot},
      {"delete-2/001-cast-terminate_instance-api-to-compute.json", model::ActionKind::kTerminate}};
  for (const Case& one : cases) {
    const std::string inner = Captured(one.path);
    EXPECT_EQ(ReasonOf(DecodeInner(inner).status()), "CLAIM_MISSING") << one.path;
    const auto received = DecodeInner(inner, {.require_ticket = false});
    ASSERT_TRUE(received.ok()) << one.path << Describe(received.status());
    const auto& action = std::get<model::ActionRequest>(received->request.body);
    EXPECT_EQ(action.kind, one.kind);
    EXPECT_FALSE(action.instance_uuid.empty());
    EXPECT_GT(action.instance_id, 0);
    if (one.kind == model::ActionKind::kReboot) {
      EXPECT_EQ(action.reboot_type, model::RebootType::kHard);
    }
  }
}

TEST(Decode, DigestIsOfTheInnerText) {
  const auto received = DecodeComputeRequest(testing::SomeBody());
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(received->digest, Sha256Hex(received->inner));
  const auto again = DecodeInner(received->inner);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->digest, received->digest);
}

}  // namespace
}  // namespace kilonova::oslo
