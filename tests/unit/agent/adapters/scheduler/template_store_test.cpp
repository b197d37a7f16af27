// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/template_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace kilonova::agent::adapters::scheduler {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

model::Flavor Make(const std::string& id, std::int64_t vcpus) {
  model::Flavor flavor;
  flavor.flavorid = id;
  flavor.name = "name-" + id;
  flavor.vcpus = vcpus;
  flavor.memory_mb = 64;
  return flavor;
}

TEST(TemplateStore, NeverSynced_IsUnavailable) {
  const TemplateStore store;
  EXPECT_EQ(store.Get("1", "x", 0ms).status().code(), Code::kUnavailable);
  EXPECT_EQ(store.Hash(), "");
}

TEST(TemplateStore, Unknown_IsNotFound) {
  TemplateStore store;
  store.Apply({Make("1", 1)}, "h1");
  EXPECT_EQ(store.Hash(), "h1");
  EXPECT_TRUE(HasReason(store.Get("2", "x", 0ms).status(), reason::kFlavorNotFound));
}

TEST(TemplateStore, OtherContent_AnswersTheCurrentRevision) {
  TemplateStore store;
  store.Apply({Make("1", 1)}, "h1");
  EXPECT_EQ(store.Get("1", "no such content", 0ms)->vcpus, 1);
}

TEST(TemplateStore, EarlierRevisions_AreFoundByContent) {
  TemplateStore store;
  for (std::int64_t i = 1; i <= 12; ++i) store.Apply({Make("1", i)}, std::to_string(i));
  EXPECT_EQ(store.Get("1", Make("1", 12).ContentHash(), 0ms)->vcpus, 12);
  EXPECT_EQ(store.Get("1", Make("1", 4).ContentHash(), 0ms)->vcpus, 4);
  // The current one and eight before it: the fourth is the oldest, the third answers the current.
  EXPECT_EQ(store.Get("1", Make("1", 3).ContentHash(), 0ms)->vcpus, 12);
}

TEST(TemplateStore, BackToAnEarlierContent_MakesItCurrent) {
  TemplateStore store;
  store.Apply({Make("1", 1)}, "a");
  store.Apply({Make("1", 2)}, "b");
  store.Apply({Make("1", 1)}, "a");
  EXPECT_EQ(store.Get("1", "?", 0ms)->vcpus, 1);
  EXPECT_EQ(store.Get("1", Make("1", 2).ContentHash(), 0ms)->vcpus, 2);
}

TEST(TemplateStore, DeletedFlavor_StaysForRequestsThatNameIt) {
  TemplateStore store;
  store.Apply({Make("1", 1), Make("2", 1)}, "a");
  store.Apply({Make("2", 1)}, "b");
  EXPECT_TRUE(store.Get("1", Make("1", 1).ContentHash(), 0ms).ok());
  // ... but not for ever.
  for (std::size_t i = 0; i <= kMostDeletedFlavors; ++i) {
    store.Apply({Make("x" + std::to_string(i), 1)}, "c");
  }
  EXPECT_FALSE(store.Get("1", Make("1", 1).ContentHash(), 0ms).ok());
}

TEST(TemplateStore, Get_WaitsForTheRevisionToArrive) {
  TemplateStore store;
  store.Apply({Make("1", 1)}, "a");
  std::jthread later([&store] { store.Apply({Make("1", 2)}, "b"); });
  EXPECT_EQ(store.Get("1", Make("1", 2).ContentHash(), 30s)->vcpus, 2);
}

TEST(TemplateStore, Stop_EndsWaits) {
  TemplateStore store;
  store.Apply({Make("1", 1)}, "a");
  std::jthread later([&store] { store.Stop(); });
  EXPECT_EQ(store.Get("1", "never", 1h)->vcpus, 1);
}

TEST(TemplateStore, Race_ReadersSeeWholeRevisions) {
  TemplateStore store;
  store.Apply({Make("1", 1)}, "0");
  std::atomic<bool> over{false};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!over) {
        const auto got = store.Get("1", "?", 0ms);
        ASSERT_TRUE(got.ok());
        ASSERT_EQ(got->memory_mb, 63 + got->vcpus);
      }
    });
  }
  for (std::int64_t i = 1; i < 300; ++i) {
    model::Flavor flavor = Make("1", i);
    flavor.memory_mb = 63 + i;
    store.Apply({flavor}, std::to_string(i));
  }
  over = true;
}

}  // namespace
}  // namespace kilonova::agent::adapters::scheduler
