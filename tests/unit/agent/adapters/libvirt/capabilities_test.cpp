// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/capabilities.h"

#include <gtest/gtest.h>

#include "agent/adapters/libvirt/firmware.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

using Strings = std::vector<std::string>;

constexpr const char* kCapabilities = R"(<capabilities><host><cpu><arch>x86_64</arch>
  <model>Penryn</model><vendor>Intel</vendor><topology sockets='1' cores='4' threads='2'/>
  <feature name='xtpr'/><feature name='acpi'/><feature name='acpi'/></cpu></host>
  <guest><os_type>hvm</os_type><arch name='i686'><domain type='qemu'/></arch></guest>
  <guest><os_type>hvm</os_type><arch name='x86_64'><domain type='qemu'/><domain type='kvm'/></arch>
  </guest></capabilities>)";

TEST(Capabilities, Host_IsRead) {
  const auto host = ParseCapabilities(kCapabilities);
  ASSERT_TRUE(host.ok());
  EXPECT_EQ(host->arch, "x86_64");
  EXPECT_EQ(host->cpu_model, "Penryn");
  EXPECT_EQ(host->cpu_vendor, "Intel");
  EXPECT_EQ(host->cpu_features, (Strings{"acpi", "xtpr"}));
  EXPECT_EQ(host->threads, 2);
  EXPECT_EQ(host->supported_instances,
            (std::vector<Strings>{
                {"i686", "qemu", "hvm"}, {"x86_64", "qemu", "hvm"}, {"x86_64", "kvm", "hvm"}}));
  EXPECT_TRUE(host->HasKvm("x86_64"));
  EXPECT_FALSE(host->HasKvm("i686"));
}

TEST(Capabilities, CellsAndMachines_AreRead) {
  const auto host = ParseCapabilities(R"(<capabilities><host><uuid>u</uuid><topology>
    <cells num='2'><cell id='0'><memory unit='KiB'>4194304</memory>
    <pages unit='KiB' size='2048'>512</pages><pages unit='KiB' size='4'>1048576</pages>
    <distances><sibling id='0' value='10'/></distances><cpus num='2'>
    <cpu id='0' socket_id='0' core_id='0' siblings='0,2'/>
    <cpu id='2' socket_id='0' core_id='0' siblings='0,2'/></cpus></cell>
    <cell id='1'><memory unit='KiB'>1024</memory><cpus num='1'>
    <cpu id='1' socket_id='1' core_id='3' siblings='1'/><cpu id='99999999'/></cpus></cell></cells>
    </topology></host><guest><os_type>hvm</os_type><arch name='x86_64'>
    <machine maxCpus='255'>pc-i440fx-7.2</machine>
    <machine canonical='pc-i440fx-7.2' maxCpus='255'>pc</machine>
    <domain type='kvm'><machine canonical='pc-q35-7.2'>q35</machine></domain></arch></guest>
    </capabilities>)");
  ASSERT_TRUE(host.ok());
  EXPECT_EQ(host->host_uuid, "u");
  ASSERT_EQ(host->cells.size(), 2u);
  EXPECT_EQ(host->cells[0].memory_kib, 4194304);
  EXPECT_EQ(host->cells[0].pages[1].size_kib, 2048);
  EXPECT_EQ(host->cells[0].pages[1].total, 512);
  ASSERT_EQ(host->cells[0].cpus.size(), 2u);
  EXPECT_EQ(host->cells[0].cpus[1].siblings, (std::set<int>{0, 2}));
  ASSERT_EQ(host->cells[1].cpus.size(), 1u);
  EXPECT_EQ(host->cells[1].cpus[0].socket, 1);
  EXPECT_EQ(host->machine_types, (std::set<std::string>{"pc", "pc-i440fx-7.2", "q35"}));
  EXPECT_EQ(host->canonical_machines.at("x86_64").at("pc"), "pc-i440fx-7.2");
  EXPECT_EQ(host->machine_aliases.at("x86_64"), (std::set<std::string>{"pc", "q35"}));
}

TEST(Capabilities, Machine_IsRead) {
  const auto machine = ParseMachineCapabilities(R"(<domainCapabilities><os supported='yes'>
    <enum name='firmware'><value>efi</value></enum><loader supported='yes'>
    <enum name='type'><value>rom</value><value>pflash</value></enum>
    <enum name='secure'><value>no</value></enum></loader></os>
    <features><sev supported='yes'><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits></sev>
    </features><devices><video supported='yes'><enum name='other'><value>xen</value></enum>
    <enum name='modelType'><value>vga</value><value>virtio</value></enum></video></devices>
    </domainCapabilities>)");
  ASSERT_TRUE(machine.ok());
  EXPECT_EQ(machine->video_models, (std::set<std::string>{"vga", "virtio"}));
  EXPECT_TRUE(machine->uefi);
  EXPECT_FALSE(machine->secure_boot);
  EXPECT_EQ(machine->sev->cbitpos, 47);
  EXPECT_FALSE(ParseMachineCapabilities("<a/>").ok());
}

TEST(Firmware, DescriptorOfQemu_IsRead) {
  const auto firmware = ParseFirmwareDescriptor(R"({"description": "x", "interface-types": ["uefi"],
    "mapping": {"device": "flash", "executable": {"filename": "/c.fd", "format": "raw"},
      "nvram-template": {"filename": "/v.fd", "format": "raw"}},
    "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}],
    "features": ["secure-boot", "requires-smm"], "tags": []})");
  ASSERT_TRUE(firmware.ok());
  EXPECT_EQ(firmware->executable, "/c.fd");
  EXPECT_EQ(firmware->nvram_template, "/v.fd");
  EXPECT_EQ(firmware->targets[0].machines, Strings{"pc-q35-*"});
  EXPECT_EQ(firmware->features, (Strings{"secure-boot", "requires-smm"}));
  for (const char* bad : {"", "[]", R"({"mapping": {"device": "memory", "filename": "/x"}})",
                          R"({"mapping": {"device": "flash"}})", R"({"mapping": 1})"}) {
    EXPECT_FALSE(ParseFirmwareDescriptor(bad).ok()) << bad;
  }
  EXPECT_FALSE(ParseFirmwareDescriptor(std::string(100'000, '[')).ok());
}

TEST(Capabilities, HostModel_IsRead) {
  const auto cpu = ParseDomainCapabilities(R"(<domainCapabilities><cpu>
    <mode name='host-passthrough' supported='no'/>
    <mode name='host-model' supported='yes'><model fallback='forbid'>EPYC</model>
    <vendor>AMD</vendor><feature policy='require' name='la57'/>
    <feature policy='disable' name='vme'/></mode></cpu></domainCapabilities>)");
  ASSERT_TRUE(cpu.ok());
  EXPECT_TRUE(cpu->host_model);
  EXPECT_EQ(cpu->model, "EPYC");
  EXPECT_EQ(cpu->require, Strings{"la57"});
  EXPECT_NE(cpu->as_cpu_xml.find("<feature policy=\"disable\" name=\"vme\""), std::string::npos);
}

TEST(Capabilities, NotWhatTheySeem_Refused) {
  EXPECT_FALSE(ParseCapabilities("").ok());
  EXPECT_FALSE(ParseCapabilities("<domain/>").ok());
  EXPECT_FALSE(ParseCapabilities("<capabilities>").ok());
  EXPECT_FALSE(ParseDomainCapabilities(kCapabilities).ok());
  EXPECT_FALSE(ParseCapabilities(std::string(5 << 20, ' ')).ok());
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  EXPECT_FALSE(ParseCapabilities("<capabilities>" + deep + "</capabilities>").ok());
}

TEST(OwnerTag, AsLibvirtGivesIt_IsRead) {
  const auto tag = ParseOwnerTag(
      "<owner xmlns='https://kilonova.dev/xmlns/libvirt/1.0' host='a' generation='12' "
      "claim='11111111-2222-4333-8444-555555555555'/>");
  ASSERT_TRUE(tag.ok());
  EXPECT_EQ(tag->host, "a");
  EXPECT_EQ(tag->generation, 12);
  EXPECT_EQ(tag->claim_id.str(), "11111111-2222-4333-8444-555555555555");
  EXPECT_TRUE(ParseOwnerTag("<kilonova:owner host='a' generation='0' claim=''/>").ok());
}

TEST(OwnerTag, Broken_Refused) {
  for (const char* xml :
       {"", "x", "<other host='a' generation='1'/>", "<owner host='' generation='1'/>",
        "<owner host='a'/>", "<owner host='a' generation='1x'/>",
        "<owner host='a' generation='99999999999999999999'/>",
        "<owner host='a' generation='1' claim='nonsense'/>"}) {
    EXPECT_FALSE(ParseOwnerTag(xml).ok()) << xml;
  }
}

}  // namespace
}  // namespace kilonova::agent::adapters::libvirt
