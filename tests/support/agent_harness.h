// SPDX-License-Identifier: Apache-2.0
// An agent on fakes, and builders for what it is asked. Restart() is a new agent on the same
// outside world.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/agent.h"
#include "tests/support/fake_control_plane.h"
#include "tests/support/fake_hypervisor.h"
#include "tests/support/fake_image_store.h"
#include "tests/support/fake_journal.h"
#include "tests/support/fake_networks.h"

namespace kilonova::testing {

// "00000000-0000-4000-8000-00000000000N"
Uuid NthUuid(int n);
model::Flavor TinyFlavor();
model::BuildRequest MakeBuild(int n, std::int64_t generation = 1);

// XML of the few elements FakeHypervisor reads, and a config drive of one file.
class FakeDescriber final : public agent::core::GuestDescriber {
 public:
  Status Check(const model::BuildRequest& build) override;
  // hw:tpm_version and hw:serial_port_count of the flavor.
  Expected<agent::core::DevicesWanted> Devices(const model::BuildRequest& build) override;
  Expected<std::string> DomainXml(const model::BuildRequest& build,
                                  const agent::core::GuestPlacement& placement,
                                  const agent::core::HostFacts& facts) override;
  // What the flavor's extra specs ask for.
  Expected<std::optional<hardware::InstanceNumaTopology>> NumaWanted(
      const model::BuildRequest& build) override;
  Expected<std::vector<agent::core::BlankDisk>> BlankDisks(
      const model::BuildRequest& build) override;
  Expected<std::optional<std::vector<agent::core::ConfigDriveFile>>> ConfigDrive(
      const model::BuildRequest& build) override;
};

// Bodies are "build N GENERATION" and "METHOD N GENERATION ID": what Message() writes.
class FakeDecoder final : public agent::core::RequestDecoder {
 public:
  Expected<model::ComputeRequest> Decode(const std::string& inner) override;
  Expected<std::string> WithoutSecrets(const std::string& inner) override;
};

// A message as the queue adapter would hand it over; `what` is "build", "terminate", "start",
// "stop", "stop_hard", "reboot" or "reboot_hard"; the unique id is made from all of them.
agent::core::IncomingRequest Message(const std::string& what, int n, std::int64_t generation = 1,
                                     const std::string& id_suffix = "");

agent::core::AgentSettings QuickSettings(const std::filesystem::path& dir);

class AgentHarness : public ::testing::Test {
 protected:
  AgentHarness();
  ~AgentHarness() override;

  void Boot();     // makes and starts the agent
  void Restart();  // drained first
  agent::core::Verdict Send(const std::string& what, int n, std::int64_t generation = 1,
                            const std::string& id_suffix = "");
  void Settle() { agent_->WaitIdle(); }
  // Polls until `done`; fails the test after ten seconds.
  void Until(const std::function<bool()>& done, const char* what);

  std::vector<model::StateReport> Reports(int n);
  model::StateReport LastReport(int n);
  std::optional<agent::core::InstanceRecord> Record(int n);
  bool DirExists(int n) const {
    return std::filesystem::exists(settings_.paths.Instance(NthUuid(n)));
  }
  std::int64_t Counter(const std::string& name) const;

  const std::filesystem::path dir_;
  agent::core::AgentSettings settings_;
  FakeHypervisor hypervisor_;
  FakeImageStore images_;
  FakeNetworks networks_;
  FakeJournal journal_;
  FakeControlPlane control_plane_;
  FakeDescriber describer_;
  FakeDecoder decoder_;
  std::unique_ptr<agent::core::Agent> agent_;
};

}  // namespace kilonova::testing
