// SPDX-License-Identifier: Apache-2.0
// Random operations, restarts in between: what is known after is what was known before, and claims
// are always exactly those of live instances.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

std::vector<InstancePtr> Everything(Rig& rig) {
  std::vector<InstancePtr> all;
  for (const bool deleted : {false, true}) {
    std::string token;
    InstanceFilter filter;
    filter.deleted = deleted;
    do {
      const auto page = rig.conductor->ListInstances(filter, {1000, token});
      EXPECT_TRUE(page.ok());
      all.insert(all.end(), page->items.begin(), page->items.end());
      token = page->next_page_token;
    } while (!token.empty());
  }
  return all;
}

void ExpectSame(const std::vector<InstancePtr>& before, const std::vector<InstancePtr>& after) {
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(SameInstance(*before[i], *after[i])) << before[i]->uuid().str();
  }
}

class RandomWalk : public testing::TestWithParam<int> {};

TEST_P(RandomWalk, HoldsTheInvariantsAndSurvivesRestarts) {
  TempDir dir;
  Rig rig(dir.File("state.db"));
  for (const char* host : {"a", "b", "c", "d"}) rig.HostUp(host, {}, 6);
  rig.AddCatalog();
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  const auto pick = [&](std::size_t n) { return random() % n; };
  std::vector<Uuid> uuids;
  int requests = 0;
  for (int step = 0; step < 150; ++step) {
    const std::size_t what = pick(10);
    if (what < 3 || uuids.empty()) {
      const auto made = rig.conductor->CreateInstances(
          Rig::Request("r" + std::to_string(requests++), static_cast<std::int64_t>(1 + pick(3))));
      ASSERT_TRUE(made.ok()) << Describe(made.status());
      for (const auto& r : *made) uuids.push_back(r->uuid());
      continue;
    }
    const Uuid uuid = uuids[pick(uuids.size())];
    const InstancePtr r = rig.Get(uuid);
    const std::string id = uuid.str();
    switch (what) {
      case 3:
        (void)rig.conductor->DeleteInstance(id, "");
        break;
      case 4:
        (void)(r->vm_state == model::VmState::kStopped ? rig.conductor->StartInstance(id, "")
                                                       : rig.conductor->StopInstance(id, ""));
        break;
      case 5: {
        auto& outbox = rig.conductor->outbox();
        std::vector<std::int64_t> good, bad;
        for (const auto& row : outbox.Take(1 + pick(5), std::chrono::milliseconds(0))) {
          (pick(4) == 0 ? bad : good).push_back(row.id);
        }
        EXPECT_TRUE(outbox.Confirmed(good).ok());
        outbox.Returned(bad);
        break;
      }
      case 6:
      case 7: {  // what the host under way would say, well or badly
        if (r->host.empty() || r->deleted()) break;
        const char* operation = r->vm_state == model::VmState::kBuilding          ? "build"
                                : r->task_state == model::TaskState::kPoweringOff ? "stop"
                                : r->task_state == model::TaskState::kPoweringOn  ? "start"
                                                                                  : "";
        if (r->task_state == model::TaskState::kDeleting) operation = "terminate";
        if (*operation == '\0') break;
        if (what == 7) {
          rig.Fail(uuid, operation, "HOST_DISK_FULL", pick(3) != 0);
        } else {
          (void)rig.conductor->ConfirmStart(r->host, uuid, r->generation);
          rig.Done(uuid, operation,
                   std::string_view(operation) == "stop" ? model::PowerState::kShutdown
                                                         : model::PowerState::kRunning);
        }
        break;
      }
      case 8:
        rig.clock.Advance(std::chrono::seconds(1));
        rig.conductor->Tick();
        break;
      default:
        if (pick(4) != 0) break;
        const auto before = Everything(rig);
        const std::size_t unsent = rig.conductor->outbox().Pending();
        rig.Restart();
        ExpectSame(before, Everything(rig));
        EXPECT_EQ(rig.conductor->outbox().Pending(), unsent);
        for (const char* host : {"a", "b", "c", "d"}) rig.HostUp(host, {}, 6);
    }
    rig.CheckInvariants();
    if (HasFatalFailure() || HasFailure()) return;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomWalk, testing::Range(1, 7));

}  // namespace
}  // namespace kilonova::scheduler::core
