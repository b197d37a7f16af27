// SPDX-License-Identifier: Apache-2.0
// The config drive against tests/golden/domain/config-drive.json: what Nova 26.2.2's
// InstanceMetadata yields for the same instance.
#include "agent/guest/metadata.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

using nlohmann::json;

model::BuildRequest InstanceOfTheGolden() {
  auto request = PlainRequest();
  auto& instance = request.instance;
  instance.display_name = "web-1 \xC3\xA9";
  instance.key_name = "kp";
  instance.key_data = "ssh-rsa AAA";
  instance.user_data = "IyEvYmluL3NoCg==";
  instance.reservation_id = "r-abcdefgh";
  instance.admin_password = "s3cret";
  instance.metadata = {{"k", "v <&> \xC3\xA9"}};
  auto& nic = request.nics[0];
  nic.mtu = 1450;
  nic.fixed_ips.push_back({"fd00::51", 64, "fd00::1", 6});
  nic.dns_servers.push_back("fd00::2");
  auto dhcp = PlainNic();
  dhcp.port_id = Id("e3f7d4fa-5798-4b32-9430-81b12cd79454");
  dhcp.network_id = Id("b61bc2f4-e4aa-4b32-9430-81b12cd79455");
  dhcp.mac = "fa:16:3e:ec:cb:5e";
  dhcp.dhcp = true;
  dhcp.fixed_ips.clear();
  dhcp.dns_servers.clear();
  request.nics.push_back(dhcp);
  return request;
}

TEST(ConfigDrive, EveryFile_IsNovas) {
  std::ifstream in(std::string(KILONOVA_SOURCE_DIR) + "/tests/golden/domain/config-drive.json");
  const auto golden = json::parse(in);
  const auto files = agent::guest::ConfigDriveFiles(PlainConfig(), InstanceOfTheGolden(), "seed");
  ASSERT_TRUE(files.ok()) << Describe(files.status());
  EXPECT_EQ(files->size(), golden.size());
  for (const auto& file : *files) {
    ASSERT_TRUE(golden.contains(file.path)) << file.path;
    const json have = file.path.ends_with(".json") ? json::parse(file.content) : json(file.content);
    EXPECT_EQ(have, golden[file.path]) << file.path << "\n" << json::diff(golden[file.path], have);
  }
}

TEST(ConfigDrive, WithoutNicsUserDataAndKeys_HasTheRest) {
  auto request = PlainRequest();
  request.nics.clear();
  const auto files = agent::guest::ConfigDriveFiles(PlainConfig(), request, "seed");
  ASSERT_TRUE(files.ok());
  for (const auto& file : *files) {
    EXPECT_FALSE(file.path.ends_with("user_data"));
    if (file.path.ends_with("network_data.json")) {
      EXPECT_EQ(file.content, "{}");
    }
    if (file.path.ends_with("latest/meta_data.json")) {
      const auto meta = json::parse(file.content);
      EXPECT_FALSE(meta.contains("public_keys"));
      EXPECT_FALSE(meta.contains("admin_pass"));
      EXPECT_EQ(meta["availability_zone"], "nova");
    }
  }
}

TEST(ConfigDrive, BadInputs_Refused) {
  auto request = PlainRequest();
  request.instance.user_data = "not base64!";
  EXPECT_FALSE(agent::guest::ConfigDriveFiles(PlainConfig(), request, "s").ok());
  request = PlainRequest();
  request.instance.display_name = "\xFF";
  EXPECT_FALSE(agent::guest::ConfigDriveFiles(PlainConfig(), request, "s").ok());
  request = PlainRequest();
  request.nics[0].fixed_ips[0].address = "10.0.0.256";
  EXPECT_TRUE(HasReason(agent::guest::ConfigDriveFiles(PlainConfig(), request, "s").status(),
                        reason::kNetworkInvalid));
  auto config = PlainConfig();
  config.vendor_data = "[1]";
  EXPECT_TRUE(HasReason(agent::guest::ConfigDriveFiles(config, PlainRequest(), "s").status(),
                        reason::kConfigInvalid));
}

TEST(ConfigDrive, Wanted_WhenAskedForcedOrMandatory) {
  auto request = PlainRequest();
  auto config = PlainConfig();
  EXPECT_FALSE(agent::guest::WantsConfigDrive(config, request));
  request.instance.config_drive = true;
  EXPECT_TRUE(agent::guest::WantsConfigDrive(config, request));
  request.instance.config_drive = false;
  config.force_config_drive = true;
  EXPECT_TRUE(agent::guest::WantsConfigDrive(config, request));
  config.force_config_drive = false;
  request.image.properties["img_config_drive"] = "mandatory";
  EXPECT_TRUE(agent::guest::WantsConfigDrive(config, request));
}

TEST(ConfigDrive, Seed_IsFreshAndLong) {
  const auto seed = agent::guest::NewRandomSeed();
  EXPECT_EQ(seed.size(), 512U);
  EXPECT_NE(seed, agent::guest::NewRandomSeed());
}

}  // namespace
}  // namespace kilonova::testing
