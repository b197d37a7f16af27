// SPDX-License-Identifier: Apache-2.0
#include "agent/app/options.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace kilonova::agent::app {
namespace {

using ::testing::HasSubstr;

class OptionsTest : public ::testing::Test {
 protected:
  OptionsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "kilonova-opt-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  ~OptionsTest() override { std::filesystem::remove_all(dir_); }
  Expected<Options> Load(const std::string& yaml) {
    const auto file = dir_ / "agent.yaml";
    std::ofstream(file) << yaml;
    chmod(file.c_str(), 0600);
    return LoadOptions(file);
  }
  void ExpectRefused(const std::string& yaml, const char* field) {
    const auto options = Load(yaml);
    ASSERT_FALSE(options.ok()) << yaml;
    EXPECT_TRUE(HasReason(options.status(), reason::kConfigInvalid)) << Describe(options.status());
    EXPECT_THAT(std::string(Message(options.status())), HasSubstr(field));
  }
  std::filesystem::path dir_;
};

TEST_F(OptionsTest, SerialConsole_AsNovasOptions) {
  auto options = Load("");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_FALSE(options->guest.console.serial_enabled);
  EXPECT_EQ(options->agent.serial_console.first_port, 10'000);
  EXPECT_EQ(options->agent.serial_console.end_port, 20'000);
  options = Load("serial_console: {enabled: true, port_range: '7:9', proxyclient_address: '::1'}");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_TRUE(options->guest.console.serial_enabled);
  EXPECT_EQ(options->guest.console.serial_address, "::1");
  EXPECT_EQ(options->agent.serial_console.proxyclient_address, "::1");
  EXPECT_EQ(options->agent.serial_console.first_port, 7);
  EXPECT_EQ(options->agent.serial_console.end_port, 9);
  for (const char* range : {"9:9", "9:7", "x:9", "7:9x", "7", "", "0:9", "7:65537", "-1:9"}) {
    ExpectRefused(std::string("serial_console: {port_range: '") + range + "'}", "port_range");
  }
  ExpectRefused("serial_console: {proxyclient_address: console.example}", "proxyclient_address");
}

TEST_F(OptionsTest, Swtpm_NeedsItsProgramsUserAndGroup) {
  const auto program = [this](const char* name) {
    std::ofstream(dir_ / name) << "#!/bin/sh\n";
    chmod((dir_ / name).c_str(), 0755);
  };
  const std::string path = std::getenv("PATH");
  setenv("PATH", dir_.c_str(), 1);
  const std::string on = "libvirt: {swtpm_enabled: true, swtpm_user: root, swtpm_group: root}";
  ExpectRefused(on, "swtpm");
  program("swtpm");
  ExpectRefused(on, "swtpm_setup");
  program("swtpm_setup");
  const auto options = Load(on);
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_TRUE(options->agent.swtpm_enabled);
  EXPECT_TRUE(options->guest.swtpm_enabled);
  ExpectRefused("libvirt: {swtpm_enabled: true, swtpm_user: nobody-at-all, swtpm_group: root}",
                "libvirt.swtpm_user");
  ExpectRefused("libvirt: {swtpm_enabled: true, swtpm_user: root, swtpm_group: nobody-at-all}",
                "libvirt.swtpm_group");
  setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(Load("libvirt: {swtpm_user: nobody-at-all}").ok()) << "nobody asks when it is off";
}

TEST_F(OptionsTest, FileBackedMemory_NoOvercommitAndMoreThanIsReserved) {
  const auto options = Load("libvirt: {file_backed_memory: 4096}");
  ASSERT_TRUE(options.ok()) << Describe(options.status());
  EXPECT_EQ(options->agent.file_backed_memory_mb, 4096);
  EXPECT_TRUE(options->guest.file_backed_memory);
  EXPECT_FALSE(Load("")->guest.file_backed_memory);
  ExpectRefused("libvirt: {file_backed_memory: 4096}\ninventory: {ram_allocation_ratio: 1.5}",
                "ram_allocation_ratio");
  ExpectRefused("libvirt: {file_backed_memory: 512}", "file_backed_memory");
  ExpectRefused("libvirt: {file_backed_memory: -1}", "file_backed_memory");
}

}  // namespace
}  // namespace kilonova::agent::app
