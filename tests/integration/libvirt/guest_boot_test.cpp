// SPDX-License-Identifier: Apache-2.0
// A Linux guest from a description of ours to its own words on the serial console.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "agent/adapters/libvirt/hypervisor.h"
#include "tests/integration/libvirt/builders.h"
#include "tests/support/libvirtd.h"

namespace kilonova::testing {
namespace {

using std::chrono::seconds;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void WriteConfigDrive(const agent::guest::GuestConfig& config, const model::BuildRequest& request) {
  const auto root = config.paths.Instance(request.instance.uuid) / "config";
  const auto files = agent::guest::ConfigDriveFiles(config, request, agent::guest::NewRandomSeed());
  ASSERT_TRUE(files.ok()) << Describe(files.status());
  for (const auto& file : *files) {
    std::filesystem::create_directories((root / file.path).parent_path());
    std::ofstream(root / file.path) << file.content;
  }
  MustRun("xorriso -as mkisofs -quiet -J -r -V config-2 -o " +
          config.paths.ConfigDrive(request.instance.uuid).string() + " " + root.string());
}

class GuestBoot : public ::testing::TestWithParam<const char*> {};

TEST_P(GuestBoot, TellsWhatItSees) {
  TestLibvirtd libvirtd({.console_bytes = 64 * 1024});
  ASSERT_TRUE(libvirtd.Start().ok());
  ASSERT_TRUE(libvirtd.AddBridge("kn-br").ok());
  const auto images = libvirtd.directory() / "images";
  MustRun(std::string(KILONOVA_SOURCE_DIR) + "/deploy/guest-image.sh " + images.string());
  const auto config = GuestConfigIn(libvirtd.directory());

  auto request = SmallGuest(42);
  request.flavor.memory_mb = 192;
  request.instance.hostname = "first-light";
  // Debian's cloud kernel has no AHCI driver and so sees no CD-ROM of a q35.
  const bool drive = GetParam() == std::string("pc");
  request.instance.config_drive = drive;
  request.instance.user_data = "IyEvYmluL3NoCmVjaG8gaGkK";
  request.kernel = request.image;
  request.ramdisk = request.image;
  request.image.properties = {{"hw_machine_type", GetParam()},
                              {"os_command_line", "console=ttyS0 quiet"}};
  model::NicRequest nic;
  nic.port_id = Uuid::Random();
  nic.network_id = Uuid::Random();
  nic.kind = model::NetworkKind::kBridge;
  nic.source = "kn-br";
  nic.mac = "fa:16:3e:12:34:56";
  nic.mtu = 1400;
  nic.fixed_ips = {{"10.1.2.3", 24, "10.1.2.1", 4}};
  request.nics = {nic};
  const agent::core::CachedImage base{images / "disk.qcow2", "qcow2", 16 << 20};
  MakeDisks(config, request, base);
  const auto& uuid = request.instance.uuid;
  std::filesystem::copy_file(images / "vmlinuz", config.paths.Kernel(uuid));
  std::filesystem::copy_file(images / "initrd.gz", config.paths.Ramdisk(uuid));
  if (drive) WriteConfigDrive(config, request);

  agent::adapters::libvirt::Options options;
  options.uri = libvirtd.uri();
  options.host = kHost;
  agent::adapters::libvirt::Hypervisor hypervisor(options);
  ASSERT_TRUE(Within(kPatience, [&] { return hypervisor.Connected(); }));
  const Status defined = hypervisor.Define(XmlOf(config, request, base));
  ASSERT_TRUE(defined.ok()) << Describe(defined);
  const Status started = hypervisor.Start(uuid);
  ASSERT_TRUE(started.ok()) << Describe(started);

  const auto console = config.paths.Console(uuid);
  const bool ready = Within(
      seconds(300), [&] { return ReadFile(console).find("guest: ready") != std::string::npos; });
  const std::string said = ReadFile(console);
  ASSERT_TRUE(ready) << said;
  std::vector<std::string> lines{"guest: smbios uuid " + uuid.str(),
                                 "guest: smbios product OpenStack Foundation, OpenStack Nova",
                                 "guest: cpus 1",
                                 "guest: disk vda sectors 2097152",
                                 "guest: rng virtio_rng",
                                 "mac fa:16:3e:12:34:56"};
  if (drive) {
    lines.insert(lines.end(),
                 {"guest: hostname first-light", "guest: uuid " + uuid.str(), "guest: flavor small",
                  "guest: user_data #!/bin/sh", "guest: address 10.1.2.3/"});
  }
  for (const auto& line : lines) {
    EXPECT_NE(said.find(line), std::string::npos) << line << "\nnot in\n" << said;
  }

  // The power button works.
  auto pressed = std::chrono::steady_clock::time_point{};
  EXPECT_TRUE(Within(kPatience, [&] {
    // A press the guest was not yet listening for is lost.
    if (std::chrono::steady_clock::now() - pressed > seconds(2)) {
      pressed = std::chrono::steady_clock::now();
      EXPECT_TRUE(hypervisor.Shutdown(uuid).ok());
    }
    const auto state = hypervisor.State(uuid);
    return state.ok() && state->power == model::PowerState::kShutdown;
  }));
  EXPECT_TRUE(hypervisor.Undefine(uuid).ok());
}

INSTANTIATE_TEST_SUITE_P(Machines, GuestBoot, ::testing::Values("pc", "q35"));

}  // namespace
}  // namespace kilonova::testing
