// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pci_device_spec.h"

#include <gtest/gtest.h>

#include "common/hardware/errors.h"

namespace kilonova::hardware {
namespace {

PciDevice Device(const std::string& address) {
  PciDevice device;
  device.address = address;
  device.vendor_id = "8086";
  device.product_id = "154d";
  return device;
}

Status Refused(const std::string& text) {
  return PciDeviceSpecs::Parse({text}, PciMachine()).status();
}

TEST(PciDeviceSpecs, TheFirstEntryThatTakesADeviceGivesItsTags) {
  const auto specs = PciDeviceSpecs::Parse(
      {R"({"address": "*:81:00.*", "physical_network": null, "trusted": true, "weight": 3})",
       R"([{"vendor_id": "8086", "physical_network": "net"}])"},
      PciMachine());
  ASSERT_TRUE(specs.ok()) << specs.status();
  const PciTags* tags = specs->TagsFor(Device("0000:81:00.1"), PciMachine());
  ASSERT_NE(tags, nullptr);
  EXPECT_EQ(*tags,
            (PciTags{{"physical_network", std::nullopt}, {"trusted", "True"}, {"weight", "3"}}));
  tags = specs->TagsFor(Device("0000:05:00.1"), PciMachine());
  ASSERT_NE(tags, nullptr);
  EXPECT_EQ(*tags, (PciTags{{"physical_network", "net"}}));
  PciDevice other = Device("0000:05:00.1");
  other.vendor_id = "10de";
  EXPECT_EQ(specs->TagsFor(other, PciMachine()), nullptr);
}

TEST(PciDeviceSpecs, WhatIsNoEntryIsRefusedByName) {
  const std::vector<std::string> hostile = {
      "{",
      "5",
      "[[]]",
      R"(["x"])",
      R"({"vendor_id": 8086})",
      R"({"vendor_id": "xyz"})",
      R"({"product_id": "12345"})",
      R"({"address": 5})",
      R"({"address": "0:0:0:0:0"})",
      R"({"address": "1FFFF:00:00.0"})",
      R"({"address": {"bus": "["}})",
      R"({"address": {"bus": 5}})",
      R"({"address": {"bus": ")" + std::string(60'000, '(') + "\"}}",
      R"x({"address": {"bus": "(((x{999}){999}){999})"}})x",
      R"({"devname": "eth0", "address": "*:*:*.*"})",
      R"({"devname": ["eth0"]})",
      R"({"x": {"y": 1}})",
      R"({"x": 1.5})",
      R"({"": "x"})",
      R"({"remote_managed": "yes"})",
      "{\"" + std::string(300, 'n') + "\": \"x\"}",
      "{\"x\": \"" + std::string(2000, 'v') + "\"}",
      "{\"x\": \"\xff\"}",
      "{\"x\": " + std::string(30'000, '[') + std::string(30'000, ']') + "}",
      std::string(30'000, '['),
      "[" + std::string(70'000, ' ') + "]",
  };
  for (const std::string& text : hostile) {
    const Status status = Refused(text);
    EXPECT_TRUE(HasReason(status, reason::kConfigInvalid)) << text.substr(0, 80) << status;
    EXPECT_EQ(DetailsOf(status)["field"], "pci.device_spec") << text.substr(0, 80);
    EXPECT_FALSE(NovaExceptionOf(status).empty()) << text.substr(0, 80);
  }
}

TEST(PciDeviceSpecs, NoMoreEntriesAndTagsThanAReportTakes) {
  std::string entries, tags;
  for (int i = 0; i < 1025; ++i) entries += std::string(i == 0 ? "" : ",") + "{}";
  for (int i = 0; i < 33; ++i) {
    tags += std::string(i == 0 ? "" : ",") + "\"t" + std::to_string(i) + "\":\"v\"";
  }
  EXPECT_TRUE(HasReason(Refused("[" + entries + "]"), reason::kConfigInvalid));
  EXPECT_TRUE(HasReason(Refused("{" + tags + "}"), reason::kConfigInvalid));
  EXPECT_TRUE(Refused("[" + entries.substr(3) + "]").ok());
}

TEST(PciDeviceSpecs, APhysicalFunctionStandsForItsVirtualOnes) {
  PciMachine machine;
  machine.is_physical_function = [](const std::string& address) {
    return address == "0000:05:00.0";
  };
  machine.function_of = [](const std::string& name) -> std::optional<PciMachine::Function> {
    if (name == "eth0") return PciMachine::Function{"0000:05:00.0", true};
    if (name == "eth1") return PciMachine::Function{"virtio0", false};
    return std::nullopt;
  };
  PciDevice virtual_one = Device("0000:05:10.1");
  virtual_one.parent_addr = "0000:05:00.0";
  for (const char* text : {R"({"address": "0000:05:00.0"})", R"({"devname": "eth0"})"}) {
    const auto specs = PciDeviceSpecs::Parse({text}, machine);
    ASSERT_TRUE(specs.ok()) << specs.status();
    EXPECT_NE(specs->TagsFor(virtual_one, machine), nullptr) << text;
    EXPECT_NE(specs->TagsFor(Device("0000:05:00.0"), machine), nullptr) << text;
    EXPECT_EQ(specs->TagsFor(Device("0000:05:00.1"), machine), nullptr) << text;
  }
  for (const char* text : {R"({"devname": "eth1"})", R"({"devname": "eth9"})"}) {
    const auto specs = PciDeviceSpecs::Parse({text}, machine);
    ASSERT_TRUE(specs.ok()) << specs.status();
    EXPECT_EQ(specs->TagsFor(virtual_one, machine), nullptr) << text;
  }
}

TEST(PciDeviceSpecs, AnAddressNovaCannotReadIsNobodys) {
  const auto specs = PciDeviceSpecs::Parse({"{}"}, PciMachine());
  ASSERT_TRUE(specs.ok());
  for (const char* address :
       {"10000:00:00.0", "0000:00:20.0", "0000:00:00.8", "", "x", "0000:00"}) {
    EXPECT_EQ(specs->TagsFor(Device(address), PciMachine()), nullptr) << address;
  }
}

}  // namespace
}  // namespace kilonova::hardware
