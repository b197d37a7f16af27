// SPDX-License-Identifier: Apache-2.0
// Domain XML against the files of tests/golden/domain. `agent_guest_test --update` writes them
// anew.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

bool UpdateAsked() {
  for (const auto& argument : ::testing::internal::GetArgvs()) {
    if (argument == "--update") return true;
  }
  return false;
}

void Compare(const std::string& name, const std::string& xml) {
  const auto path = std::string(KILONOVA_SOURCE_DIR) + "/tests/golden/domain/" + name + ".xml";
  if (UpdateAsked()) std::ofstream(path) << xml;
  std::ifstream in(path);
  std::stringstream golden;
  golden << in.rdbuf();
  EXPECT_EQ(xml, golden.str()) << path;
}

TEST(GoldenDomain, Plain) { Compare("plain", XmlOrError(PlainConfig(), PlainRequest())); }

TEST(GoldenDomain, ConfigDriveOnQ35) {
  auto request = PlainRequest();
  request.instance.config_drive = true;
  request.image.properties = {{"hw_machine_type", "q35"}};
  Compare("config-drive-q35", XmlOrError(PlainConfig(), request));
}

TEST(GoldenDomain, KvmWithKernelAndLibvirtNetwork) {
  auto config = PlainConfig();
  config.virt_type = "kvm";
  config.disk.cache = "writeback";
  auto request = PlainRequest();
  request.kernel = request.image;
  request.ramdisk = request.image;
  request.nics[0].kind = model::NetworkKind::kLibvirtNetwork;
  request.nics[0].source = "default";
  Compare("kvm-kernel-network", XmlOrError(config, request));
}

TEST(GoldenDomain, EverySmallFeature) {
  auto config = PlainConfig();
  config.virt_type = "kvm";
  config.emulator = "/usr/bin/qemu-system-x86_64";
  config.cpu.mode = "custom";
  config.cpu.models = {"Nehalem"};
  config.lock_mac = false;
  auto request = PlainRequest();
  request.instance.config_drive = true;
  request.flavor.extra_specs = {{"hw:cpu_max_sockets", "1"},
                                {"hw_rng:rate_bytes", "1024"},
                                {"hw_rng:rate_period", "1000"},
                                {"hw:hide_hypervisor_id", "yes"},
                                {"hw:pmu", "false"},
                                {"hw:boot_menu", "true"}};
  request.image.properties = {{"hw_disk_bus", "ide"}, {"hw_time_hpet", "true"}};
  Compare("every-small-feature", XmlOrError(config, request));
}

}  // namespace
}  // namespace kilonova::testing
