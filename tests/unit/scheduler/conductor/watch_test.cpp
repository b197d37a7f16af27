// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using std::chrono::milliseconds;

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    rig_.HostUp("a");
    rig_.AddCatalog();
  }
  std::unique_ptr<Watch> Subscribe(WatchFilter filter, std::function<void()> wake = {}) {
    auto watch = rig_.conductor->watch().Subscribe(std::move(filter), std::move(wake));
    EXPECT_TRUE(watch.ok()) << Describe(watch.status());
    return watch.ok() ? *std::move(watch) : nullptr;
  }
  static std::vector<WatchEvent> All(Watch& watch, std::size_t page = 3) {
    std::vector<WatchEvent> all;
    while (true) {
      auto events = watch.Next(page, milliseconds(0));
      EXPECT_TRUE(events.ok()) << Describe(events.status());
      if (!events.ok() || events->empty()) return all;
      EXPECT_LE(events->size(), page + 1);
      all.insert(all.end(), events->begin(), events->end());
    }
  }
  TempDir dir_;
  Rig rig_{dir_.File("state.db"), {.watch_ring = 8}};
};

TEST_F(WatchTest, BeginsWithThePresentSetThenABookmarkThenChanges) {
  const InstancePtr first = rig_.Create("1");
  const InstancePtr second = rig_.Create("2");
  const auto watch = Subscribe({});
  auto events = All(*watch);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_TRUE(events[0].initial && events[1].initial);
  EXPECT_EQ(events[0].cursor, 0);
  EXPECT_TRUE(events[2].bookmark);
  EXPECT_EQ(events[2].cursor, second->revision);
  rig_.Done(first->uuid(), "build");
  events = All(*watch);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].instance->vm_state, model::VmState::kActive);
  EXPECT_EQ(events[0].cursor, events[0].instance->revision);
}

TEST_F(WatchTest, ASlowWatcher_IsBroughtForwardWithoutAGap) {
  const auto watch = Subscribe({});
  All(*watch);
  std::map<Uuid, model::VmState> expected;
  for (int i = 0; i < 12; ++i) {
    const InstancePtr r = rig_.Active(std::to_string(i));
    if (i % 3 == 0) {
      EXPECT_TRUE(rig_.conductor->DeleteInstance(r->uuid().str(), "").ok());
      rig_.Deliver();
      rig_.Done(r->uuid(), "terminate", model::PowerState::kNoState);
    }
    expected[r->uuid()] = rig_.Get(r->uuid())->vm_state;
  }
  std::map<Uuid, model::VmState> seen;
  std::int64_t cursor = 0;
  for (const WatchEvent& event : All(*watch)) {
    EXPECT_GE(event.cursor, cursor);
    cursor = event.cursor;
    if (event.instance) seen[event.instance->uuid()] = event.instance->vm_state;
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(WatchTest, ACursor_ResumesOverARestart) {
  auto watch = Subscribe({});
  const InstancePtr first = rig_.Create("1");
  auto events = All(*watch);
  const std::int64_t cursor = events.back().cursor;
  const InstancePtr second = rig_.Create("2");
  ASSERT_TRUE(rig_.conductor->DeleteInstance(first->uuid().str(), "").ok());
  watch.reset();
  rig_.Restart();
  const auto resumed = Subscribe({.cursor = cursor});
  events = All(*resumed);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].instance->uuid(), second->uuid());
  EXPECT_EQ(events[1].instance->uuid(), first->uuid());
  EXPECT_TRUE(events[1].instance->deleted());
}

TEST_F(WatchTest, ACursorFromBeforeWhatIsKept_IsExpired) {
  const InstancePtr r = rig_.Create("1");
  const std::int64_t cursor = r->revision;
  ASSERT_TRUE(rig_.conductor->DeleteInstance(r->uuid().str(), "").ok());
  const std::int64_t after = rig_.Get(r->uuid())->revision;
  rig_.clock.Advance(std::chrono::hours(25));
  rig_.conductor->Tick();
  const auto expired = rig_.conductor->watch().Subscribe({.cursor = cursor}, {});
  EXPECT_TRUE(HasReason(expired.status(), reason::kCursorExpired));
  EXPECT_EQ(expired.status().code(), Code::kOutOfRange);
  EXPECT_NE(Subscribe({.cursor = after}), nullptr);
  EXPECT_FALSE(rig_.conductor->GetInstance(r->uuid().str()).ok());
  EXPECT_FALSE(rig_.conductor->watch().Subscribe({.cursor = after + 100}, {}).ok());
  // The request was forgotten with it, so its id is new again.
  EXPECT_NE(rig_.Create("1")->uuid(), r->uuid());
}

TEST_F(WatchTest, Filters_LetOnlyTheirOwnThrough) {
  const InstancePtr mine = rig_.Create("1");
  const auto watch = Subscribe({.instances = {mine->uuid()}});
  const auto other = Subscribe({.project_id = "nobody"});
  rig_.Create("2");
  EXPECT_EQ(All(*watch).size(), 2U);  // it and the bookmark
  EXPECT_EQ(All(*other).size(), 1U);
  rig_.clock.Advance(std::chrono::seconds(31));
  const auto events = other->Next(10, milliseconds(0));
  ASSERT_EQ(events->size(), 1U);
  EXPECT_TRUE(events->front().bookmark);
}

TEST_F(WatchTest, AWake_ComesOnceAfterNothingWasFound) {
  int wakes = 0;
  const auto watch = Subscribe({}, [&] { ++wakes; });
  All(*watch);
  rig_.Create("1");
  rig_.Create("2");
  EXPECT_EQ(wakes, 1);
  All(*watch);
  rig_.Create("3");
  EXPECT_EQ(wakes, 2);
}

TEST_F(WatchTest, NextWaitsAndStopEndsIt) {
  const auto watch = Subscribe({});
  All(*watch);
  std::jthread creator([&] { rig_.Create("1"); });
  const auto events = watch->Next(10, milliseconds(20000));
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events->size(), 1U);
  creator.join();
  std::jthread stopper([&] { rig_.conductor->Stop(); });
  EXPECT_TRUE(HasReason(watch->Next(10, milliseconds(20000)).status(), reason::kUnavailable));
}

}  // namespace
}  // namespace kilonova::scheduler::core
