// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/capabilities.h"

#include <gtest/gtest.h>

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
