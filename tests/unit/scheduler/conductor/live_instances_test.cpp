// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/live_instances.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "scheduler/core/recent_instances.h"

namespace kilonova::scheduler::core {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAreArray;

InstanceRecord Record(std::int64_t id, const std::string& name, const std::string& host) {
  InstanceRecord record;
  record.spec.id = id;
  record.spec.uuid = Uuid::Random();
  record.spec.display_name = name;
  record.spec.project_id = "p" + std::to_string(id % 2);
  record.flavor = std::make_shared<const model::Flavor>();
  record.image = std::make_shared<const model::ImageSource>();
  record.host = host;
  record.revision = id;
  return record;
}

TEST(UuidKey, TellsItsUuid) {
  for (int i = 0; i < 100; ++i) {
    const Uuid uuid = Uuid::Random();
    EXPECT_EQ(UuidOf(KeyOf(uuid)), uuid);
  }
}

TEST(MacNumber, IsTheSixBytesOrNothing) {
  EXPECT_EQ(MacNumber("fa:16:3e:00:a1:ff"), 0xfa163e00a1ffU);
  for (const char* bad : {"", "fa:16:3e:00:a1", "fa:16:3e:00:a1:fg", "fa-16-3e-00-a1-ff"}) {
    EXPECT_EQ(MacNumber(bad), 0U) << bad;
  }
}

TEST(LiveInstances, AreFoundByWhatTheyAre) {
  LiveInstances live;
  const InstanceRecord one = Record(1, "web", "a"), two = Record(2, "web", "");
  live.Put(one);
  live.Put(two);
  ASSERT_NE(live.Find(one.uuid()), nullptr);
  EXPECT_EQ(live.Text(live.Find(one.uuid())->host), "a");
  EXPECT_EQ(live.Find(Uuid::Random()), nullptr);
  EXPECT_EQ(live.MayBeNamed("web", 9).size(), 2U);
  EXPECT_EQ(live.MayBeNamed("web", 1).size(), 1U);
  EXPECT_TRUE(live.MayBeNamed("db", 9).empty());
  EXPECT_TRUE(live.AnyOn("a"));
  EXPECT_FALSE(live.AnyOn(""));
  EXPECT_TRUE(live.OnHost("").empty());
  EXPECT_FALSE(live.FilterOf({.project_id = "nobody"}, {}).has_value());
  const auto filter = live.FilterOf({.project_id = "p1", .name = "web"}, model::VmState::kBuilding);
  ASSERT_TRUE(filter.has_value());
  EXPECT_TRUE(filter->Matches(*live.Find(one.uuid())));
  EXPECT_FALSE(filter->Matches(*live.Find(two.uuid())));
  std::vector<std::int64_t> ids;
  live.Below(INT64_MAX, [&](const LiveInstance& i) {
    ids.push_back(i.id);
    return true;
  });
  EXPECT_THAT(ids, ElementsAre(2, 1));
}

// Against maps of strings, through many changes of name, host and existence.
TEST(LiveInstances, AgreeWithASimpleModel) {
  LiveInstances live;
  std::map<std::int64_t, InstanceRecord> model;
  std::mt19937 random(7);
  const auto host = [&] { return random() % 4 == 0 ? "" : "h" + std::to_string(random() % 5); };
  for (int step = 0; step < 5000; ++step) {
    const auto id = static_cast<std::int64_t>(random() % 100 + 1);
    auto known = model.find(id);
    if (known == model.end()) {
      known = model.emplace(id, Record(id, "n" + std::to_string(random() % 9), host())).first;
      live.Put(known->second);
    } else if (random() % 2 == 0) {
      known->second.host = host();
      known->second.spec.display_name = "n" + std::to_string(random() % 9);
      live.Put(known->second);
    } else {
      live.Erase(KeyOf(known->second.uuid()));
      model.erase(known);
    }
    ASSERT_EQ(live.size(), model.size());
    const std::string at = "h" + std::to_string(random() % 5);
    const std::string name = "n" + std::to_string(random() % 9);
    std::vector<std::int64_t> on_host, named, here;
    for (const auto& [number, record] : model) {
      if (record.host == at) on_host.push_back(number);
      if (record.spec.display_name == name) named.push_back(number);
    }
    for (const LiveInstance& i : live.OnHost(at)) here.push_back(i.id);
    ASSERT_THAT(here, UnorderedElementsAreArray(on_host));
    ASSERT_THAT(live.MayBeNamed(name, 1000), UnorderedElementsAreArray(named));
  }
}

TEST(RecentInstances, KeepTheNewestAndForgetTheRest) {
  RecentInstances recent(2);
  std::vector<UuidKey> keys;
  for (std::int64_t i = 1; i <= 3; ++i) {
    auto record = std::make_shared<InstanceRecord>(Record(i, "n", ""));
    keys.push_back(KeyOf(record->uuid()));
    recent.Put(keys.back(), record);
  }
  EXPECT_EQ(recent.Find(keys[0]), nullptr);
  ASSERT_NE(recent.Find(keys[2]), nullptr);
  // Changed again, the place of its older change is given up and not the newer one.
  auto again = std::make_shared<InstanceRecord>(*recent.Find(keys[1]));
  again->revision = 4;
  recent.Put(keys[1], again);
  EXPECT_EQ(recent.Find(keys[1]), again);
  recent.Erase(keys[1]);
  EXPECT_EQ(recent.Find(keys[1]), nullptr);
}

}  // namespace
}  // namespace kilonova::scheduler::core
