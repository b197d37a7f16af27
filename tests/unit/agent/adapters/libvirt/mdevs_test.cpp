// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/mdevs.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/adapters/libvirt/handles.h"
#include "agent/adapters/libvirt/hypervisor.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::Pair;

constexpr const char* kUuid = "4b20d080-1b54-4048-85b3-a6a62d165c01";

std::string Gpu(const std::string& types) {
  return R"(<device><name>pci_0000_06_00_0</name><path>/sys/devices/pci0000:00/0000:06:00.0</path>
    <parent>computer</parent><driver><name>nvidia</name></driver><capability type='pci'>
    <class>0x030000</class><domain>0</domain><bus>6</bus><slot>0</slot><function>0</function>
    <product id='0x0FFE'>GRID M60-0B</product><vendor id='0x10DE'>Nvidia</vendor>)" +
         types + "</capability></device>";
}

std::string Mdev(const std::string& name, const std::string& uuid) {
  return "<device><name>" + name + "</name><path>/sys/devices/x</path>" +
         "<parent>pci_0000_06_00_0</parent><driver><name>vfio_mdev</name></driver>"
         "<capability type='mdev'><type id='nvidia-11'/>" +
         uuid + "<iommuGroup number='12'/></capability></device>";
}

class SysDir {
 public:
  SysDir() {
    std::string name = (fs::temp_directory_path() / "kilonova-sys-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~SysDir() { fs::remove_all(path); }
  fs::path path;
};

TEST(MdevDevices, WhatAGpuCanMake) {
  const auto gpu = ParseMdevParent(Gpu(
      R"(<capability type='virt_functions' maxCount='4'/><capability type='mdev_types'>
      <type id='nvidia-11'><name>GRID M60-0B</name><deviceAPI>vfio-pci</deviceAPI>
      <availableInstances>16</availableInstances></type>
      <type id='nvidia-12'><deviceAPI>vfio-pci</deviceAPI><availableInstances>-3
      </availableInstances></type><type id='odd'/><type/></capability>)"));
  ASSERT_TRUE(gpu.ok() && *gpu) << gpu.status();
  EXPECT_EQ((*gpu)->name, "pci_0000_06_00_0");
  EXPECT_THAT((*gpu)->available,
              ElementsAre(Pair("nvidia-11", 16), Pair("nvidia-12", 0), Pair("odd", 0)));
  EXPECT_FALSE(*ParseMdevParent(Gpu("")));
  EXPECT_FALSE(*ParseMdevParent(Gpu("<capability type='mdev_types'/>")));
  // Of another bus, as on an s390: Nova's compute knows PCI devices only.
  EXPECT_FALSE(*ParseMdevParent(
      "<device><name>css_0_0_1</name><capability type='css'><capability type='mdev_types'>"
      "<type id='vfio_ccw-io'><availableInstances>1</availableInstances></type></capability>"
      "</capability></device>"));
  EXPECT_FALSE(ParseMdevParent("<device").ok());
  EXPECT_FALSE(ParseMdevParent(std::string(5 << 20, ' ')).ok());
  EXPECT_FALSE(*ParseMdevParent("<domain/>"));
}

TEST(MdevDevices, OneThatIsThere) {
  const hardware::Mdev wanted{*Uuid::Parse(kUuid), "pci_0000_06_00_0", "nvidia-11"};
  const std::string name = "mdev_4b20d080_1b54_4048_85b3_a6a62d165c01";
  for (const std::string& xml :
       {Mdev(name + "_0000_06_00_0", "<uuid>" + std::string(kUuid) + "</uuid>"),
        Mdev("anything", "<uuid>" + std::string(kUuid) + "</uuid>"), Mdev(name, ""),
        Mdev(name + "_0000_06_00_0", "")}) {
    const auto mdev = ParseMdev(xml);
    ASSERT_TRUE(mdev.ok() && *mdev) << xml;
    EXPECT_EQ(**mdev, wanted);
  }
  EXPECT_FALSE(*ParseMdev(Mdev("mdev_4b20d080", "")));
  EXPECT_FALSE(*ParseMdev(Mdev("x", "<uuid>../../etc</uuid>")));
  EXPECT_FALSE(*ParseMdev(Gpu("")));
  EXPECT_FALSE(ParseMdev("").ok());
}

TEST(MdevDevices, OnesThatADomainHas) {
  const std::string xml =
      "<domain><devices><hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
      "<address uuid='" +
      std::string(kUuid) +
      "'/></source></hostdev>"
      "<hostdev mode='subsystem' type='pci'><source><address domain='0x0'/></source></hostdev>"
      "<hostdev type='mdev'><source><address uuid='x'/></source></hostdev><hostdev type='mdev'/>"
      "</devices></domain>";
  EXPECT_THAT(*ParseMdevsOfDomain(xml), ElementsAre(*Uuid::Parse(kUuid)));
  EXPECT_THAT(*ParseMdevsOfDomain("<domain/>"), ElementsAre());
  EXPECT_FALSE(ParseMdevsOfDomain("no").ok());
}

TEST(MdevDevices, TheKernelMakesThem) {
  const SysDir sys;
  const fs::path type = sys.path / "class/mdev_bus/0000:06:00.0/mdev_supported_types/nvidia-11";
  fs::create_directories(type);
  std::ofstream(type / "create").close();
  const hardware::Mdev mdev{*Uuid::Parse(kUuid), "pci_0000_06_00_0", "nvidia-11"};
  const auto make = [&](const hardware::Mdev& one) { return CreateMdev(sys.path.string(), one); };
  ASSERT_TRUE(make(mdev).ok());
  std::ifstream in(type / "create");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), kUuid);
  // There already: nothing is asked of the kernel.
  fs::create_directories(sys.path / "bus/mdev/devices" / kUuid);
  fs::remove(type / "create");
  EXPECT_TRUE(make(mdev).ok());
  fs::remove_all(sys.path / "bus");
  const auto refused = [&](hardware::Mdev one) {
    const Status status = make(one);
    return ReasonOf(status) == "HOST_RESOURCES_EXHAUSTED";
  };
  EXPECT_TRUE(refused(mdev));
  for (const char* parent : {"pci_0000_07_00_0", "pci_0000_06_00", "../../etc", "",
                             "pci_0000_06_00_0/..", "pci_0000_06_0x_0", "0000:06:00.0"}) {
    EXPECT_TRUE(refused({mdev.uuid, parent, mdev.type})) << parent;
  }
  for (const char* name : {"", "..", "../nvidia-11", "a/b"}) {
    EXPECT_TRUE(refused({mdev.uuid, mdev.parent, name})) << name;
  }
  // A kernel that says no: /dev/full takes nothing.
  fs::create_symlink("/dev/full", type / "create");
  EXPECT_TRUE(refused(mdev));
}

// libvirt's own test driver with devices of a file.
TEST(MdevDevices, AreListedByLibvirt) {
  const SysDir dir;
  const fs::path file = dir.path / "node.xml";
  std::ofstream(file) << "<node>"
                      << Gpu("<capability type='mdev_types'><type id='nvidia-11'>"
                             "<deviceAPI>vfio-pci</deviceAPI>"
                             "<availableInstances>3</availableInstances></type></capability>")
                      << Mdev("mdev_4b20d080_1b54_4048_85b3_a6a62d165c01_0000_06_00_0",
                              "<uuid>" + std::string(kUuid) + "</uuid>")
                      << "</node>";
  const ConnectHandle connect(virConnectOpen(("test://" + file.string()).c_str()),
                              [](virConnectPtr c) {
                                if (c != nullptr) virConnectClose(c);
                              });
  ASSERT_NE(connect, nullptr);
  auto machine = ListMdevs(connect.get());
  ASSERT_TRUE(machine.ok()) << Describe(machine.status());
  ASSERT_EQ(machine->parents.size(), 1U);
  EXPECT_EQ(machine->parents[0].available.at("nvidia-11"), 3);
  EXPECT_THAT(machine->mdevs,
              ElementsAre(hardware::Mdev{*Uuid::Parse(kUuid), "pci_0000_06_00_0", "nvidia-11"}));
  EXPECT_TRUE(FindUsers(connect.get(), *machine).ok());
  EXPECT_TRUE(machine->users.empty());
}

}  // namespace
}  // namespace kilonova::agent::adapters::libvirt
