// SPDX-License-Identifier: Apache-2.0
// Whatever a user calls things, the document has the shape it has for "web-1".
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <random>

#include "agent/guest/metadata.h"
#include "agent/guest/text.h"
#include "tests/support/nasty_strings.h"
#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

constexpr int kStrings = 500;

std::vector<std::string> Shape(const pugi::xml_node& root) {
  struct Walker : pugi::xml_tree_walker {
    std::vector<std::string> names;
    bool for_each(pugi::xml_node& node) override {
      if (node.type() != pugi::node_element) return true;
      std::string name = std::to_string(depth()) + node.name();
      for (const auto& attribute : node.attributes()) name += std::string(" ") + attribute.name();
      names.push_back(name);
      return true;
    }
  } walker;
  pugi::xml_node(root).traverse(walker);
  return walker.names;
}

TEST(HostileTexts, InDisplayFields_KeepTheDocumentsShape) {
  std::mt19937 random(20261122);
  pugi::xml_document plain;
  ASSERT_TRUE(plain.load_string(XmlOrError(PlainConfig(), PlainRequest()).c_str()));
  const auto shape = Shape(plain);
  int changed = 0;
  for (int i = 0; i < kStrings; ++i) {
    auto request = PlainRequest();
    request.instance.display_name = NastyString(random);
    request.instance.user_name = "u" + NastyString(random);
    request.instance.project_id = NastyString(random);
    request.flavor.name = NastyString(random);
    const std::string xml = XmlOrError(PlainConfig(), request);
    pugi::xml_document document;
    ASSERT_TRUE(
        document.load_string(xml.c_str(), pugi::parse_default | pugi::parse_ws_pcdata_single))
        << xml;
    ASSERT_EQ(Shape(document), shape) << xml;
    ASSERT_TRUE(agent::guest::IsUtf8(xml));
    const auto nova = document.child("domain").child("metadata").child("nova:instance");
    const std::string want = agent::guest::Printable(request.instance.display_name);
    EXPECT_EQ(nova.child_value("nova:name"), want);
    EXPECT_EQ(nova.child("nova:flavor").attribute("name").value(),
              agent::guest::Printable(request.flavor.name));
    changed += want != request.instance.display_name;
  }
  EXPECT_GT(changed, kStrings / 10);  // the strings are nasty indeed
}

// Every text of a request or of a host's options that reaches the document.
using Input = agent::guest::GuestInput;
using Config = agent::guest::GuestConfig;
struct Field {
  const char* name;
  void (*set)(Config&, Input&, const std::string&);
  const char* at;  // XPath of where it comes out
};

agent::guest::Vif VhostUserPort(const std::string& socket) {
  agent::guest::Vif vif;
  vif.id = "d3f7d4fa-5798-4b32-9430-81b12cd79454";
  vif.type = "vhostuser";
  vif.address = "fa:16:3e:ec:cb:5d";
  vif.details.vhostuser_socket = socket;
  return vif;
}

agent::guest::Vif SwitchPort(const std::string& interface, const std::string& bridge) {
  agent::guest::Vif vif = VhostUserPort("");
  vif.type = "ovs";
  vif.delegate_create = false;
  vif.bridge = bridge;
  vif.ovs_interface_id = interface;
  return vif;
}

agent::guest::VolumeDevice Volume(const std::string& type) {
  agent::guest::VolumeDevice volume;
  volume.device.device_name = "/dev/vdx";
  volume.connection.driver_volume_type = type;
  volume.connection.device_path = "/dev/x";
  return volume;
}

const Field kFields[] = {
    {"kernel line",
     [](Config&, Input& input, const std::string& text) {
       input.kernel = true;
       input.image = hardware::ImageProps::From({{"os_command_line", "x" + text}}).value();
     },
     "//os/cmdline"},
    {"host", [](Config&, Input& in, const std::string& text) { in.owner->host = "x" + text; },
     "//*[name()='kilonova:owner']/@host"},
    {"base", [](Config&, Input& in, const std::string& text) { in.base->path = "/x" + text; },
     "//backingStore/source/@file"},
    {"vendor", [](Config& config, Input&, const std::string& text) { config.vendor = "x" + text; },
     "//sysinfo/system/entry[@name='manufacturer']"},
    {"emulator",
     [](Config& config, Input&, const std::string& text) { config.emulator = "x" + text; },
     "//emulator"},
    {"cpu model",
     [](Config& config, Input&, const std::string& text) {
       config.cpu.mode = "custom";
       config.cpu.models = {"x" + text};
     },
     "//cpu/model"},
    {"listen",
     [](Config& config, Input&, const std::string& text) {
       config.console.vnc_enabled = true;
       config.console.vnc_listen = "x" + text;
     },
     "//graphics/@listen"},
    {"socket",
     [](Config&, Input& in, const std::string& text) { in.vifs = {VhostUserPort("/x" + text)}; },
     "//interface/source/@path"},
    {"bridge",
     [](Config&, Input& in, const std::string& text) { in.vifs = {SwitchPort("i", "x" + text)}; },
     "//interface/source/@bridge"},
    {"interface id",
     [](Config&, Input& in, const std::string& text) { in.vifs = {SwitchPort("x" + text, "b")}; },
     "//virtualport/parameters/@interfaceid"},
    {"device path",
     [](Config&, Input& in, const std::string& text) {
       in.block_devices.volumes = {Volume("iscsi")};
       in.block_devices.volumes[0].connection.device_path = "/x" + text;
     },
     "//disk[target/@dev='vdx']/source/@dev"},
    {"serial",
     [](Config&, Input& in, const std::string& text) {
       in.block_devices.volumes = {Volume("iscsi")};
       in.block_devices.volumes[0].connection.serial = "x" + text;
     },
     "//disk[target/@dev='vdx']/serial"},
    {"rbd name",
     [](Config&, Input& in, const std::string& text) {
       in.block_devices.volumes = {Volume("rbd")};
       in.block_devices.volumes[0].connection.name = "x" + text;
     },
     "//disk[target/@dev='vdx']/source/@name"},
    {"rbd user",
     [](Config&, Input& in, const std::string& text) {
       in.block_devices.volumes = {Volume("rbd")};
       in.block_devices.volumes[0].connection.auth_enabled = true;
       in.block_devices.volumes[0].connection.auth_username = "x" + text;
       in.block_devices.volumes[0].connection.secret_uuid = "s";
     },
     "//disk[target/@dev='vdx']/auth/@username"},
};

TEST(HostileTexts, InEveryOtherField_ComeBackExactlyOrAreRefused) {
  std::mt19937 random(20261125);
  const auto plain = agent::guest::InputOf(PlainConfig(), {}, PlainRequest(), PlainBase());
  ASSERT_TRUE(plain.ok());
  for (const Field& field : kFields) {
    int refused = 0;
    for (int i = 0; i < kStrings; ++i) {
      const std::string text = NastyString(random);
      Config config = PlainConfig();
      Input input = *plain;
      field.set(config, input, text);
      const auto disks = agent::guest::PlaceDisks(config, input);
      ASSERT_TRUE(disks.ok()) << field.name;
      const auto domain = agent::guest::DescribeGuest(config, {}, input, *disks);
      const auto xml = domain.ok() ? agent::guest::DomainXml(*domain) : domain.status();
      if (!xml.ok()) {
        EXPECT_FALSE(agent::guest::IsPrintable(text)) << field.name << Describe(xml.status());
        ++refused;
        continue;
      }
      pugi::xml_document document;
      ASSERT_TRUE(
          document.load_string(xml->c_str(), pugi::parse_default | pugi::parse_ws_pcdata_single))
          << *xml;
      const auto found = document.select_node(field.at);
      const std::string got =
          found.attribute() ? found.attribute().value() : found.node().text().get();
      ASSERT_TRUE(got.ends_with("x" + text)) << field.name << "\n" << *xml;
    }
    EXPECT_GT(refused, kStrings / 10) << field.name;
    EXPECT_LT(refused, kStrings) << field.name;
  }
}

TEST(HostileTexts, InMetadata_ComeBackFromTheJsonOrAreRefused) {
  std::mt19937 random(7);
  int refused = 0;
  int told = 0;
  for (int i = 0; i < kStrings; ++i) {
    auto request = PlainRequest();
    const std::string key = "k" + NastyString(random);
    const std::string value = NastyString(random);
    request.instance.metadata[key] = value;
    const auto files = agent::guest::ConfigDriveFiles(PlainConfig(), request, "seed");
    if (!files.ok()) {
      EXPECT_FALSE(agent::guest::IsUtf8(key) && agent::guest::IsUtf8(value));
      ++refused;
      continue;
    }
    for (const auto& file : *files) {
      EXPECT_EQ(file.path.find(".."), std::string::npos);
      if (file.path != "openstack/latest/meta_data.json") continue;
      const auto meta = nlohmann::json::parse(file.content);
      EXPECT_EQ(meta["meta"][key], value);
      ++told;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(told, kStrings / 4);
}

TEST(HostileTexts, InNamesOfThingsOnTheHost_Refused) {
  for (const char* source : {"", "br 0\n", "../x", "br\x01", "averylongbridgename"}) {
    auto request = PlainRequest();
    request.nics[0].source = source;
    EXPECT_FALSE(Described(PlainConfig(), request).ok()) << source;
  }
  for (const char* mac : {"", "fa:16:3e:00:00:0", "fb:16:3e:00:00:01", "FA:16:3E:00:00:01",
                          "fa:16:3e:00:00:01' x='"}) {
    auto request = PlainRequest();
    request.nics[0].mac = mac;
    EXPECT_FALSE(Described(PlainConfig(), request).ok()) << mac;
  }
  auto request = PlainRequest();
  request.kernel = request.image;
  request.image.properties["os_command_line"] = "console=ttyS0\nroot=/dev/sda";
  EXPECT_TRUE(HasReason(Described(PlainConfig(), request).status(), reason::kImageInvalid));
  request.image.properties = {{"hw_machine_type", "pc' onload='x"}};
  EXPECT_TRUE(HasReason(Described(PlainConfig(), request).status(), reason::kFeatureNotServed));
}

}  // namespace
}  // namespace kilonova::testing
