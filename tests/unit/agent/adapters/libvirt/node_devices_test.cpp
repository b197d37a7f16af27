// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/node_devices.h"

#include <gtest/gtest.h>

namespace kilonova::agent::adapters::libvirt {
namespace {

// As libvirt writes them.
std::string Device(const std::string& inner) {
  return R"(<device><name>pci_0000_81_1f_7</name><path>/sys/devices/x</path><parent>computer</parent>
    <driver><name>vfio-pci</name></driver>
    <capability type='pci'><class>0x020000</class><domain>0</domain><bus>129</bus><slot>31</slot>
    <function>7</function><product id='0x154d'>82599ES</product><vendor id='0x8086'>Intel</vendor>)" +
         inner + "</capability></device>";
}

TEST(NodeDevices, APlainDevice) {
  const auto device = ParsePciDevice(Device("<iommuGroup number='20'/>"));
  ASSERT_TRUE(device.ok() && *device) << device.status();
  EXPECT_EQ((*device)->address, "0000:81:1f.7");
  EXPECT_EQ((*device)->vendor_id, "8086");
  EXPECT_EQ((*device)->product_id, "154d");
  EXPECT_EQ((*device)->dev_type, "type-PCI");
  EXPECT_FALSE((*device)->numa_node);
}

TEST(NodeDevices, PhysicalAndVirtualFunctions) {
  const auto pf = ParsePciDevice(
      Device("<numa node='1'/><capability type='virt_functions' maxCount='63'>"
             "<address domain='0x0000' bus='0x81' slot='0x10' function='0x1'/></capability>"));
  ASSERT_TRUE(pf.ok() && *pf);
  EXPECT_EQ((*pf)->dev_type, "type-PF");
  EXPECT_EQ((*pf)->numa_node, 1);
  EXPECT_EQ((*pf)->virtual_functions, std::vector<std::string>{"0000:81:10.1"});
  const auto vf = ParsePciDevice(
      Device("<capability type='phys_function'>"
             "<address domain='0x0000' bus='0x0a' slot='0x00' function='0x0'/></capability>"));
  ASSERT_TRUE(vf.ok() && *vf);
  EXPECT_EQ((*vf)->dev_type, "type-VF");
  EXPECT_EQ((*vf)->parent_addr, "0000:0a:00.0");
}

TEST(NodeDevices, WhatAGuestHas) {
  const auto held = ParseHeldDevices(R"(<domain><devices>
    <hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source>
      <address domain='0x00ff' bus='0x0a' slot='0x1f' function='0x7'/></source>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/></hostdev>
    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>
    <interface type='hostdev'><source>
      <address type='pci' domain='0x0000' bus='0x81' slot='0x10' function='0x1'/></source></interface>
    <interface type='bridge'><source bridge='br0'/></interface></devices></domain>)");
  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_EQ(held->pci, (std::vector<std::string>{"00ff:0a:1f.7", "0000:81:10.1"}));
  EXPECT_FALSE(ParseHeldDevices("<device/>").ok());
  EXPECT_FALSE(ParseHeldDevices("<domain").ok());
}

TEST(NodeDevices, OthersAreNone) {
  const auto card = ParsePciDevice("<device><capability type='net'/></device>");
  ASSERT_TRUE(card.ok());
  EXPECT_FALSE(*card);
  EXPECT_FALSE(ParsePciDevice("<device").ok());
}

}  // namespace
}  // namespace kilonova::agent::adapters::libvirt
