// SPDX-License-Identifier: Apache-2.0
// kill -9 at every failpoint of the core and the journal. A child process runs an agent on the real
// journal and on fakes that keep their state in files; it dies at the point, is run again, and must
// then come to the end it would have come to: one guest, or none and nothing left.
//
// A run without kills traces the points it passes: the list in failpoint_names.h and what is really
// passed are the same set.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "agent/adapters/journal/sqlite_journal.h"
#include "agent/core/failpoint_names.h"
#include "agent/core/tpm_secret.h"
#include "common/base/failpoint.h"
#include "tests/support/agent_harness.h"

namespace kilonova::testing {
namespace {

namespace fs = std::filesystem;
using agent::adapters::journal::SqliteJournal;
using agent::core::AllFailpoints;

constexpr int kInstance = 1;

// What the child is asked to do, and how it must end.
struct Scenario {
  const char* name;
  std::vector<const char*> messages;  // each settled before the next
  model::VmState end;
  bool stale = false;  // the scheduler has placed it anew: the build is undone
  bool ignores_button = false;
};

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> all = {
      {"build", {"build"}, model::VmState::kActive},
      {"undo", {"build"}, model::VmState::kError, true},
      {"delete", {"build", "terminate"}, model::VmState::kDeleted},
      {"stop", {"build", "stop"}, model::VmState::kStopped, false, true},
      {"start", {"build", "stop", "start"}, model::VmState::kActive},
      {"reboot", {"build", "reboot"}, model::VmState::kActive, false, true},
  };
  return all;
}

const Scenario& ScenarioOf(const std::string& name) {
  for (const Scenario& scenario : Scenarios()) {
    if (name == scenario.name) return scenario;
  }
  return Scenarios().front();  // "journal"
}

void RunScenario(const Scenario& scenario, const fs::path& dir) {
  const auto journal = SqliteJournal::Open({dir / "journal.db", "", 0}, SystemClock());
  ASSERT_TRUE(journal.ok()) << Describe(journal.status());
  fs::create_directories(dir / "domains");
  FakeHypervisor hypervisor("host1", dir / "domains");
  hypervisor.SetHeedsButton(!scenario.ignores_button);
  hypervisor.SetGpus({"pci_0000_06_00_0"}, 1);
  FakeImageStore images(dir / "images");
  FakeNetworks networks;
  FakeControlPlane control_plane;
  model::Flavor flavor = TinyFlavor();
  flavor.extra_specs = {{"hw:tpm_version", "2.0"}, {"hw:serial_port_count", "2"}};
  control_plane.AddTemplate(flavor);
  if (scenario.stale) control_plane.SetCurrent(NthUuid(kInstance), 2);
  FakeDescriber describer;
  FakeDecoder decoder;
  agent::core::AgentSettings settings = QuickSettings(dir);
  settings.mdev_types = *hardware::MdevTypes::From({{.type = "nvidia-35"}});
  agent::core::Agent agent(settings, {hypervisor, images, images, networks, **journal,
                                      control_plane, describer, decoder, SystemClock()});
  ASSERT_TRUE(agent.Start().ok());
  agent.WaitIdle();
  for (const char* what : scenario.messages) {
    agent.Submit(Message(what, kInstance, 1, "devices_vgpu"));
    agent.WaitIdle();
  }
}

TEST(KillPointsChild, DISABLED_Child) {
  RunScenario(ScenarioOf(std::getenv("KILL_TEST_SCENARIO")), std::getenv("KILL_TEST_DIR"));
}

int RunChild(const Scenario& scenario, const fs::path& dir, const std::string& failpoints,
             const fs::path& trace = {}) {
  const pid_t pid = fork();
  if (pid == 0) {
    setenv("KILONOVA_FAILPOINTS", failpoints.c_str(), 1);
    setenv("KILL_TEST_SCENARIO", scenario.name, 1);
    setenv("KILL_TEST_DIR", dir.c_str(), 1);
    if (!trace.empty()) setenv("KILONOVA_FAILPOINT_TRACE", trace.c_str(), 1);
    std::freopen((dir / "child.log").c_str(), "a", stdout);
    std::freopen((dir / "child.log").c_str(), "a", stderr);
    execl("/proc/self/exe", "child", "--gtest_also_run_disabled_tests",
          "--gtest_filter=KillPointsChild.DISABLED_Child", nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

std::string LogOf(const fs::path& dir) {
  std::ifstream in(dir / "child.log");
  return {std::istreambuf_iterator<char>(in), {}};
}

void CheckEnd(const Scenario& scenario, const fs::path& dir) {
  const auto journal = SqliteJournal::Open({dir / "journal.db", "", 0}, SystemClock());
  ASSERT_TRUE(journal.ok());
  EXPECT_TRUE((*journal)->Unfinished()->empty());
  const auto reports = (*journal)->PendingReports(0, 1000);
  ASSERT_FALSE(reports->empty());
  EXPECT_EQ(reports->back().vm_state, scenario.end);
  EXPECT_NE(reports->back().outcome, model::Outcome::kProgress);
  std::int64_t seq = 0;
  for (const auto& report : *reports) EXPECT_EQ(report.seq, ++seq);

  const Uuid uuid = NthUuid(kInstance);
  const FakeHypervisor hypervisor("host1", dir / "domains");
  const bool gone =
      scenario.end == model::VmState::kError || scenario.end == model::VmState::kDeleted;
  EXPECT_EQ(hypervisor.Has(uuid), !gone);
  EXPECT_EQ(hypervisor.Running(uuid), scenario.end == model::VmState::kActive);
  EXPECT_EQ(fs::exists(dir / "instances" / uuid.str()), !gone);
  EXPECT_EQ((*journal)->Instance(uuid)->has_value(), !gone);
  // libvirt holds no passphrase any more, and the TPM was always started with the one there is.
  EXPECT_EQ(hypervisor.TpmSecret(uuid), "");
  const auto secret = ReadTpmSecret(QuickSettings(dir).paths, uuid);
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(secret->has_value(), !gone);
  if (!gone) {
    EXPECT_EQ(hypervisor.TpmKey(uuid), **secret);
    const auto record = (*journal)->Instance(uuid)->value();
    EXPECT_EQ(record.serial_ports.size(), 2u);
    // One was made, and it is the guest's; a second one there could not be.
    EXPECT_EQ(record.mdevs, hypervisor.MdevsThere());
    ASSERT_EQ(record.mdevs.size(), 1u);
    EXPECT_NE(hypervisor.Xml(uuid).find(record.mdevs[0].uuid.str()), std::string::npos);
  }
  if (std::string(scenario.name) == "build") {
    EXPECT_EQ(hypervisor.Starts(uuid), 1) << "started once, and once only";
  }
}

class KillPoints : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!kFailpointsCompiledIn) GTEST_SKIP() << "no failpoints in this build";
    std::string name = (fs::temp_directory_path() / "kilonova-kill-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  void TearDown() override {
    if (!dir_.empty()) fs::remove_all(dir_);
  }
  fs::path dir_;
};

TEST_P(KillPoints, EndsAsIfNothingHadHappened) {
  const std::string& point = GetParam();
  const std::string family = point.substr(6, point.find('.', 6) - 6);
  const Scenario& scenario = ScenarioOf(family);
  const fs::path marker = dir_ / "marker";
  const int first = RunChild(scenario, dir_, point + "=kill@" + marker.string());
  ASSERT_TRUE(WIFSIGNALED(first) && WTERMSIG(first) == SIGKILL)
      << "not killed: " << point << " was not passed\n"
      << LogOf(dir_);
  const int second = RunChild(scenario, dir_, point + "=kill@" + marker.string());
  ASSERT_TRUE(WIFEXITED(second) && WEXITSTATUS(second) == 0) << LogOf(dir_);
  CheckEnd(scenario, dir_);
  if (HasFailure()) std::fputs(LogOf(dir_).c_str(), stderr);
}

INSTANTIATE_TEST_SUITE_P(All, KillPoints, ::testing::ValuesIn(AllFailpoints()),
                         [](const auto& each) {
                           std::string name = each.param;
                           for (char& c : name) c = c == '.' ? '_' : c;
                           return name;
                         });

class KillPointsTable : public KillPoints {};

TEST_F(KillPointsTable, ListsExactlyWhatIsPassed) {
  std::set<std::string> passed;
  for (const Scenario& scenario : Scenarios()) {
    const fs::path dir = dir_ / scenario.name;
    fs::create_directory(dir);
    const int status = RunChild(scenario, dir, "", dir / "trace");
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << LogOf(dir);
    CheckEnd(scenario, dir);
    std::ifstream trace(dir / "trace");
    for (std::string name; std::getline(trace, name);) passed.insert(name);
  }
  const auto listed = AllFailpoints();
  EXPECT_EQ(passed, std::set<std::string>(listed.begin(), listed.end()));
}

}  // namespace
}  // namespace kilonova::testing
