// SPDX-License-Identifier: Apache-2.0
// A real libvirtd and QEMU of the test's own, in mount, process and (unless asked otherwise)
// network namespaces of their own. libvirtd may be killed and started again under running guests.
//
//   TestLibvirtd libvirtd;
//   ASSERT_TRUE(libvirtd.Start().ok());
//   ... libvirtd.uri() ...
//   libvirtd.Kill9();
//   ASSERT_TRUE(libvirtd.Restart().ok());
//
// Needs root. All of it dies with the thread that started it, so make it on the main thread; its
// directory is kept if KILONOVA_TEST_KEEP is set.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace kilonova::testing {

struct TestLibvirtdOptions {
  bool own_net = true;             // false: bridges and taps are the machine's
  std::int64_t console_bytes = 0;  // virtlogd's limit of one console log; 0 = 1 MiB
};

class TestLibvirtd {
 public:
  explicit TestLibvirtd(TestLibvirtdOptions options = {});
  ~TestLibvirtd();
  TestLibvirtd(const TestLibvirtd&) = delete;
  TestLibvirtd& operator=(const TestLibvirtd&) = delete;

  // Returns once libvirtd answers.
  Status Start(std::chrono::seconds patience = std::chrono::seconds(120));
  Status Restart();  // starts what does not run
  void Kill9();
  void Pause();  // SIGSTOP: connected, silent
  void Unpause();
  void Stop();  // with all guests

  // Runs a command inside; its standard output, or an error with both outputs.
  Expected<std::string> Inside(const std::vector<std::string>& command);
  Expected<std::string> Virsh(const std::vector<std::string>& arguments);
  // A Linux bridge, up; and an active libvirt network on a bridge of its own.
  Status AddBridge(const std::string& name);
  Status AddNetwork(const std::string& name, const std::string& bridge);
  // The guest's QEMU as the namespace counts; 0 when it does not run.
  int QemuPid(const std::string& domain_name);

  const std::filesystem::path& directory() const { return directory_; }
  std::string uri() const;

 private:
  void Signal(const char* name);

  const TestLibvirtdOptions options_;
  std::filesystem::path directory_;
  pid_t holder_ = -1, init_ = -1;
  std::vector<std::string> bridges_, networks_;
};

}  // namespace kilonova::testing
