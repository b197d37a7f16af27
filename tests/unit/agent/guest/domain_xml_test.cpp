// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

std::string At(const std::string& xml, const char* path) {
  pugi::xml_document document;
  if (!document.load_string(xml.c_str())) return "not XML: " + xml;
  const auto found = document.select_node(path);
  if (found.attribute()) return found.attribute().value();
  return found.node() ? found.node().text().get() : "(absent)";
}

TEST(DomainXml, SameRequest_SameBytes) {
  EXPECT_EQ(XmlOrError(PlainConfig(), PlainRequest()), XmlOrError(PlainConfig(), PlainRequest()));
}

TEST(DomainXml, OwnerTag_CarriesHostGenerationAndClaim) {
  const auto xml = XmlOrError(PlainConfig(), PlainRequest());
  const char* owner = "/domain/metadata/*[name()='kilonova:owner']";
  EXPECT_EQ(At(xml, (std::string(owner) + "/@host").c_str()), "host-a");
  EXPECT_EQ(At(xml, (std::string(owner) + "/@generation").c_str()), "3");
  EXPECT_EQ(At(xml, (std::string(owner) + "/@claim").c_str()),
            "11111111-2222-4333-8444-555555555555");
}

TEST(DomainXml, RootDisk_NamesItsWholeChain) {
  const auto xml = XmlOrError(PlainConfig(), PlainRequest());
  EXPECT_EQ(At(xml, "//disk[1]/driver/@type"), "qcow2");
  EXPECT_EQ(At(xml, "//disk[1]/backingStore/format/@type"), "qcow2");
  EXPECT_EQ(At(xml, "//disk[1]/backingStore/source/@file"), "/var/lib/kilonova/images/aa.qcow2");
  EXPECT_EQ(At(xml, "//disk[1]/backingStore/backingStore"), "");
}

TEST(DomainXml, Buses_NameTheirDevicesAsNova) {
  struct Case {
    const char *machine, *disk_bus, *cdrom_bus, *disk, *cdrom;
  };
  for (const auto& c :
       {Case{"pc", "", "", "vda", "hda"}, Case{"q35", "", "", "vda", "sda"},
        Case{"pc", "ide", "", "hda", "hdb"}, Case{"pc", "sata", "", "sda", "hda"},
        Case{"q35", "sata", "", "sda", "sdb"}, Case{"pc", "virtio", "sata", "vda", "sda"}}) {
    auto request = PlainRequest();
    request.instance.config_drive = true;
    request.image.properties["hw_machine_type"] = c.machine;
    if (*c.disk_bus != '\0') request.image.properties["hw_disk_bus"] = c.disk_bus;
    if (*c.cdrom_bus != '\0') request.image.properties["hw_cdrom_bus"] = c.cdrom_bus;
    const auto xml = XmlOrError(PlainConfig(), request);
    EXPECT_EQ(At(xml, "//disk[@device='disk']/target/@dev"), c.disk) << c.machine << c.disk_bus;
    EXPECT_EQ(At(xml, "//disk[@device='cdrom']/target/@dev"), c.cdrom) << c.machine << c.disk_bus;
  }
  auto request = PlainRequest();
  request.image.properties = {{"hw_machine_type", "q35"}, {"hw_disk_bus", "ide"}};
  EXPECT_NE(XmlOrError(PlainConfig(), request).find("IMAGE_INVALID"), std::string::npos);
}

TEST(DomainXml, KernelBoot_HasNovasCommandLine) {
  auto request = PlainRequest();
  request.kernel = request.image;
  EXPECT_EQ(At(XmlOrError(PlainConfig(), request), "//os/cmdline"),
            "root=/dev/vda console=tty0 console=ttyS0 console=hvc0 no_timer_check");
  request.image.properties["os_command_line"] = "console=ttyS0 quiet";
  EXPECT_EQ(At(XmlOrError(PlainConfig(), request), "//os/cmdline"), "console=ttyS0 quiet");
  EXPECT_EQ(At(XmlOrError(PlainConfig(), request), "//os/initrd"), "(absent)");
}

TEST(DomainXml, SecureBootWithoutUefi_RefusedWhereNovaPassesItOver) {
  auto request = PlainRequest();
  request.image.properties = {{"os_secure_boot", "required"}};
  EXPECT_NE(XmlOrError(PlainConfig(), request).find("FEATURE_NOT_SERVED"), std::string::npos);
}

TEST(DomainXml, UefiOnAHostWithIt_NamesItsFirmware) {
  auto request = PlainRequest();
  request.image.properties = {{"hw_firmware_type", "uefi"}, {"hw_machine_type", "q35"}};
  EXPECT_EQ(At(XmlOrError(PlainConfig(), request, UefiHost()), "//os/loader"), "/ovmf/CODE.fd");
  request.image.properties["os_secure_boot"] = "required";
  const auto xml = XmlOrError(PlainConfig(), request, UefiHost());
  EXPECT_EQ(At(xml, "//os/loader"), "/ovmf/CODE.secboot.fd");
  EXPECT_EQ(At(xml, "//os/loader/@secure"), "yes");
  EXPECT_EQ(At(xml, "//features/smm/smm/@state"), "on");
  request.image.properties["hw_machine_type"] = "pc";
  EXPECT_NE(XmlOrError(PlainConfig(), request, UefiHost()).find("FEATURE_NOT_SERVED"),
            std::string::npos);
}

TEST(DomainXml, UefiOnAHostWithoutIt_RefusedByName) {
  auto request = PlainRequest();
  request.image.properties = {{"hw_firmware_type", "uefi"}};
  const Status refused = Described(PlainConfig(), request).status();
  EXPECT_TRUE(HasReason(refused, reason::kFeatureNotServed)) << Describe(refused);
  EXPECT_EQ(DetailsOf(refused)["key"], "hw_firmware_type");
}

TEST(DomainXml, QuotasOfTheFlavor_AreWritten) {
  auto request = PlainRequest();
  request.flavor.extra_specs = {{"quota:cpu_shares", "2048"},
                                {"quota:disk_total_iops_sec", "500"},
                                {"quota:vif_outbound_average", "1000"},
                                {"quota:vif_outbound_burst", "4000"},
                                {"quota:vif_inbound_peak", "9000"}};
  const auto xml = XmlOrError(PlainConfig(), request);
  EXPECT_EQ(At(xml, "//cputune/shares"), "2048");
  EXPECT_EQ(At(xml, "//disk/iotune/total_iops_sec"), "500");
  EXPECT_EQ(At(xml, "//interface/bandwidth/outbound/@average"), "1000");
  EXPECT_EQ(At(xml, "//interface/bandwidth/outbound/@burst"), "4000");
  EXPECT_EQ(At(xml, "//interface/bandwidth/inbound"), "(absent)");  // no average, no limit
}

TEST(DomainXml, OtherArchitecture_Refused) {
  auto request = PlainRequest();
  request.image.properties["architecture"] = "aarch64";
  EXPECT_NE(XmlOrError(PlainConfig(), request).find("FEATURE_NOT_SERVED"), std::string::npos);
  request.image.properties["architecture"] = "amd64";
  EXPECT_EQ(At(XmlOrError(PlainConfig(), request), "//os/type/@arch"), "x86_64");
}

}  // namespace
}  // namespace kilonova::testing
