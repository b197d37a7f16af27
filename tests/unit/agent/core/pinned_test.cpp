// SPDX-License-Identifier: Apache-2.0
// Guests with CPUs of their own.
#include <gmock/gmock.h>

#include <set>

#include "tests/unit/agent/core/build_fixture.h"

namespace kilonova::testing {
namespace {

using model::Outcome;
using ::testing::HasSubstr;

class Pinned : public Build {
 protected:
  Pinned() {
    settings_.cpu_dedicated_set = hardware::CpuSet::Range(0, 3);
    model::Flavor flavor = TinyFlavor();
    flavor.vcpus = 2;
    flavor.swap_mb = 64;
    flavor.extra_specs["hw:cpu_policy"] = "dedicated";
    control_plane_.AddTemplate(flavor);
    hypervisor_.SetCells(2, 4);
  }
  std::set<int> Pins(int n) {
    std::set<int> pins;
    const auto record = Record(n);
    for (const auto& cell : record->numa->cells) {
      for (const auto& [guest, host] : cell.cpu_pinning) pins.insert(host);
    }
    return pins;
  }
};

TEST_F(Pinned, GuestsGetCpusOfTheirOwnAndKeepThemOverARestart) {
  Boot();
  Send("build", 1, 1, "pinned1");
  Send("build", 2, 1, "pinned2");
  Settle();
  const auto first = Pins(1);
  const auto second = Pins(2);
  EXPECT_EQ(first.size(), 2u);
  EXPECT_EQ(second.size(), 2u);
  std::set<int> all = first;
  all.insert(second.begin(), second.end());
  EXPECT_EQ(all, (std::set<int>{0, 1, 2, 3}));
  EXPECT_EQ(Record(1)->resources.at("PCPU"), 2);
  EXPECT_FALSE(Record(1)->resources.contains("VCPU"));
  EXPECT_TRUE(std::filesystem::exists(settings_.paths.Instance(NthUuid(1)) / "disk.swap"));
  Restart();
  Settle();
  EXPECT_EQ(Pins(1), first);
  const auto cells = agent_->Report()->numa_cells;
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[0].pinned_cpus, "0-3");
  EXPECT_EQ(cells[1].cpuset, "");
  Send("build", 3, 1, "pinned3");
  Settle();
  ExpectFailed(3, reason::kHostResourcesExhausted, true);
  // What one gives back the next one gets.
  Send("terminate", 1);
  Settle();
  Send("build", 4, 1, "pinned4");
  Settle();
  EXPECT_EQ(Pins(4), first);
}

TEST_F(Pinned, BuildThatBeginsAgainKeepsItsPlace) {
  Boot();
  images_.Hold(true);
  Send("build", 1, 1, "pinned1");
  Until([&] { return Record(1).has_value(); }, "the host claim");
  const auto first = Pins(1);
  agent_->Drain(std::chrono::steady_clock::now());
  images_.Hold(false);
  Restart();
  Settle();
  EXPECT_EQ(Pins(1), first);
  EXPECT_EQ(LastReport(1).outcome, Outcome::kDone);
}

TEST_F(Pinned, SetsThatDoNotFitTheMachineAreSaid) {
  settings_.cpu_dedicated_set = hardware::CpuSet{99};
  Boot();
  Settle();
  EXPECT_THAT(agent_->Report()->degraded, ::testing::Contains(HasSubstr("cpu_dedicated_set")));
  EXPECT_FALSE(agent_->Report()->inventories.contains("VCPU"));
}

}  // namespace
}  // namespace kilonova::testing
