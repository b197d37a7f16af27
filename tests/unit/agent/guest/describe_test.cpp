// SPDX-License-Identifier: Apache-2.0
// What the recorded requests of Nova do not ask for.
#include "agent/guest/describe.h"

#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "agent/guest/host_numa.h"
#include "common/hardware/errors.h"
#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

using namespace agent::guest;  // NOLINT(google-build-using-namespace)

GuestInput PlainInput() { return InputOf(PlainConfig(), {}, PlainRequest(), PlainBase()).value(); }

// The value at `path`, "(absent)", or the error.
class Xml {
 public:
  Xml(const GuestInput& input, const agent::core::GuestCapabilities& host = {},
      const GuestConfig& config = PlainConfig()) {
    const auto xml = Make(input, host, config);
    if (xml.ok()) {
      document_.load_string(xml->c_str());
    } else {
      error_ = Describe(xml.status());
      exception_ = hardware::NovaExceptionOf(xml.status());
    }
  }
  std::string At(const char* path) const {
    if (!error_.empty()) return error_;
    const auto found = document_.select_node(path);
    if (found.attribute()) return found.attribute().value();
    return found.node() ? found.node().text().get() : "(absent)";
  }
  const std::string& exception() const { return exception_; }

 private:
  static Expected<std::string> Make(const GuestInput& input,
                                    const agent::core::GuestCapabilities& host,
                                    const GuestConfig& config) {
    ASSIGN_OR_RETURN(const DiskPlacement disks, PlaceDisks(config, input));
    ASSIGN_OR_RETURN(const Domain domain, DescribeGuest(config, host, input, disks));
    return DomainXml(domain);
  }

  pugi::xml_document document_;
  std::string error_, exception_;
};

TEST(DescribeGuest, HideHypervisorId_ByItsOldNameToo) {
  const char* const hidden = "/domain/features/kvm/hidden/@state";
  GuestInput input = PlainInput();
  EXPECT_EQ(Xml(input).At(hidden), "(absent)");
  for (const char* key : {"hw:hide_hypervisor_id", "hide_hypervisor_id"}) {
    input.flavor.extra_specs = {{key, "true"}};
    EXPECT_EQ(Xml(input).At(hidden), "on") << key;
    input.flavor.extra_specs = {{key, "false"}};
    EXPECT_EQ(Xml(input).At(hidden), "(absent)") << key;
  }
}

TEST(DescribeGuest, PerfEvents_InTheOrderOfTheOption) {
  EXPECT_EQ(Xml(PlainInput()).At("/domain/perf"), "(absent)");
  GuestConfig config = PlainConfig();
  config.perf_events = {"task_clock", "cache_misses"};
  const Xml xml(PlainInput(), {}, config);
  EXPECT_EQ(xml.At("/domain/perf/event[1][@enabled='yes']/@name"), "task_clock");
  EXPECT_EQ(xml.At("/domain/perf/event[2][@enabled='yes']/@name"), "cache_misses");
  EXPECT_EQ(xml.At("/domain/perf/event[3]"), "(absent)");
}

TEST(DescribeGuest, EncryptedMemory_IsLockedAndEveryVirtioDeviceUsesTheIommu) {
  GuestInput input = PlainInput();
  input.flavor.extra_specs = {{"hw:mem_encryption", "true"}};
  input.image = hardware::ImageProps::From({{"hw_firmware_type", "uefi"},
                                            {"hw_machine_type", "q35"},
                                            {"hw_qemu_guest_agent", "yes"}})
                    .value();
  agent::core::GuestCapabilities host = UefiHost().guests;
  host.amd_sev = true;
  EXPECT_EQ(Xml(input, host).exception(), "MissingDomainCapabilityFeatureException");
  host.machines["q35"].sev = agent::core::SevCapability{47, 1};
  const Xml xml(input, host);
  EXPECT_EQ(xml.At("//launchSecurity[@type='sev']/cbitpos"), "47");
  EXPECT_EQ(xml.At("//launchSecurity/policy"), "0x0033");
  EXPECT_EQ(xml.At("//memoryBacking/locked"), "");
  EXPECT_EQ(xml.At("//disk/driver/@iommu"), "on");
  EXPECT_EQ(xml.At("//interface/driver/@iommu"), "on");
  EXPECT_EQ(xml.At("//controller[@type='virtio-serial']/driver/@iommu"), "on");
  EXPECT_EQ(xml.At("//rng/driver/@iommu"), "on");
  EXPECT_EQ(xml.At("//memballoon/driver/@iommu"), "on");
}

TEST(DescribeRequest, EncryptedMemoryOnAHostThatCannot_Refused) {
  auto request = PlainRequest();
  request.flavor.extra_specs = {{"hw:mem_encryption", "true"}};
  request.image.properties = {{"hw_firmware_type", "uefi"}, {"hw_machine_type", "q35"}};
  auto host = UefiHost();
  const auto refused = Described(PlainConfig(), request, host).status();
  EXPECT_TRUE(HasReason(refused, reason::kFeatureNotServed)) << Describe(refused);
  EXPECT_EQ(DetailsOf(refused)["key"], "hw:mem_encryption");
  host.guests.amd_sev = true;
  host.guests.machines["q35"].sev = agent::core::SevCapability{47, 1};
  EXPECT_TRUE(Described(PlainConfig(), request, host).ok());
}

TEST(DescribeGuest, LegacyRescue_StartsFromItsDiskWithTheGuestsBehind) {
  GuestInput input = PlainInput();
  input.rescue = Rescue{true, false, std::nullopt};
  input.config_drive = true;
  const Xml xml(input);
  EXPECT_EQ(xml.At("//disk[1]/source/@file"),
            PlainConfig().paths.Instance(input.instance.uuid).string() + "/disk.rescue");
  EXPECT_EQ(xml.At("//disk[1]/target/@dev"), "vda");
  EXPECT_EQ(xml.At("//disk[2]/target/@dev"), "vdb");
  EXPECT_EQ(xml.At("//os/boot"), "(absent)");
  EXPECT_TRUE(xml.At("//os/cmdline").starts_with("root=/dev/vda "));
  EXPECT_TRUE(xml.At("//disk[3]/source/@file").ends_with("/disk.config.rescue"));
}

TEST(DescribeGuest, PersistentMemory_RaisesWhatTheGuestMayHave) {
  GuestInput input = PlainInput();
  input.vpmems = {{"/dev/dax0.1", std::int64_t{4} << 30, 2 << 20}};
  const Xml xml(input);
  EXPECT_EQ(xml.At("/domain/maxMemory"), std::to_string((2048 * 1024) + (4096 * 1024)));
  EXPECT_EQ(xml.At("/domain/maxMemory/@slots"), "1");
  EXPECT_EQ(xml.At("//memory[@model='nvdimm']/source/path"), "/dev/dax0.1");
  EXPECT_EQ(xml.At("//memory[@model='nvdimm']/source/alignsize"), "2048");
}

TEST(DescribeGuest, VdpaPort_NamesItsDevice) {
  GuestInput input = PlainInput();
  input.vifs[0].type = "ovs";
  input.vifs[0].vnic_type = "vdpa";
  input.vifs[0].vdpa_device = "/dev/vhost-vdpa-0";
  const Xml xml(input);
  EXPECT_EQ(xml.At("//interface/@type"), "vdpa");
  EXPECT_EQ(xml.At("//interface/source/@dev"), "/dev/vhost-vdpa-0");
}

TEST(DescribeGuest, TpmWithoutASecret_Refused) {
  GuestInput input = PlainInput();
  input.flavor.extra_specs = {{"hw:tpm_version", "2.0"}};
  EXPECT_EQ(Xml(input).exception(), "Invalid");
  input.vtpm_secret = "ffffffff-0000-4000-a000-00000000000a";
  EXPECT_EQ(Xml(input).At("//tpm/backend/encryption/@secret"), input.vtpm_secret);
}

TEST(DescribeGuest, HostWithoutACpuController_RefusesQuotas) {
  GuestInput input = PlainInput();
  input.flavor.extra_specs = {{"quota:cpu_quota", "1000"}};
  agent::core::GuestCapabilities host;
  host.cpu_control = false;
  EXPECT_EQ(Xml(input, host).exception(), "UnsupportedHostCPUControlPolicy");
}

TEST(DescribeGuest, SerialDrawnFromTheMachine_OrRefusedWhereItHasNone) {
  GuestConfig config = PlainConfig();
  config.sysinfo_serial = "os";
  EXPECT_EQ(Xml(PlainInput(), {}, config).exception(), "InternalError");
  agent::core::GuestCapabilities host;
  host.machine_id = "11111111-2222-4333-8444-666666666666";
  host.host_uuid = "11111111-2222-4333-8444-777777777777";
  const char* serial = "//sysinfo/system/entry[@name='serial']";
  EXPECT_EQ(Xml(PlainInput(), host, config).At(serial), host.machine_id);
  config.sysinfo_serial = "auto";
  EXPECT_EQ(Xml(PlainInput(), host, config).At(serial), host.machine_id);
  host.machine_id.clear();
  EXPECT_EQ(Xml(PlainInput(), host, config).At(serial), host.host_uuid);
}

TEST(HostNuma, SetsOfTheHost_SplitItsCells) {
  agent::core::GuestCapabilities host;
  for (int id = 0; id < 2; ++id) {
    agent::core::HostCell cell{id, 4 << 20, {{4, 1 << 20}}, {}};
    for (int cpu = id * 4; cpu < (id + 1) * 4; ++cpu) {
      cell.cpus.push_back({cpu, id, cpu / 2, {cpu / 2 * 2, (cpu / 2 * 2) + 1}});
      host.online_cpus.insert(cpu);
    }
    host.cells.push_back(cell);
  }
  CpuConfig config;
  auto numa = HostNuma(host, config).value();
  EXPECT_EQ(numa->cells[1].cpuset, hardware::CpuSet({4, 5, 6, 7}));
  EXPECT_EQ(numa->cells[1].pcpuset, numa->cells[1].cpuset);
  EXPECT_EQ(numa->cells[1].socket, 1);
  config.dedicated_set = hardware::CpuSet({2, 3, 6});
  numa = HostNuma(host, config).value();
  EXPECT_TRUE(numa->cells[0].cpuset.Empty());
  EXPECT_EQ(numa->cells[1].pcpuset, hardware::CpuSet({6}));
  EXPECT_EQ(numa->cells[1].siblings, std::vector<hardware::CpuSet>({hardware::CpuSet({6})}));
  config.shared_set = hardware::CpuSet({0, 64});
  EXPECT_TRUE(HasReason(HostNuma(host, config).status(), reason::kConfigInvalid));
}

// Nova takes these two as the image spells them.
TEST(DescribeRequest, OsTypeAndRootDevice_AsTheImageSpellsThem) {
  auto request = PlainRequest();
  request.image.properties = {{"os_type", "windows"}, {"root_device_name", "/dev/sdb"}};
  const std::string windows = XmlOrError(PlainConfig(), request);
  EXPECT_NE(windows.find("localtime"), std::string::npos) << windows;
  EXPECT_NE(windows.find(R"(<target dev="sdb" bus="virtio")"), std::string::npos) << windows;
  request.image.properties["os_type"] = "Windows";
  EXPECT_EQ(XmlOrError(PlainConfig(), request).find("localtime"), std::string::npos);
  for (const char* name : {"/dev/", "sda'/>", "/dev/vda1", "mapper"}) {
    request.image.properties["root_device_name"] = name;
    EXPECT_TRUE(HasReason(Described(PlainConfig(), request).status(), reason::kImageInvalid))
        << name;
  }
}

}  // namespace
}  // namespace kilonova::testing
