// SPDX-License-Identifier: Apache-2.0
// Everybody at once: clients, a relay, agents, watchers, an operator. Meant for ThreadSanitizer;
// true without it as well.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using std::chrono::milliseconds;

TEST(ConductorRace, EverybodyAtOnce_LosesNothing) {
  TempDir dir;
  Rig rig(dir.File("state.db"), {.watch_ring = 8});  // short: who is late is brought forward
  const std::vector<std::string> hosts{"a", "b", "c"};
  for (const std::string& host : hosts) rig.HostUp(host, {}, 40);
  rig.AddCatalog();
  Conductor& conductor = *rig.conductor;
  constexpr int kClients = 6, kEach = 12;
  std::atomic<bool> done = false;
  std::atomic<int> made = 0;
  {
    std::vector<std::jthread> background;
    background.emplace_back([&] {  // the relay: everything arrives, now and then not at once
      int n = 0;
      while (!done) {
        auto rows = conductor.outbox().Take(8, milliseconds(5));
        std::vector<std::int64_t> good, failed, returned;
        for (const auto& row : rows) {
          ++n;
          (n % 7 == 0 ? failed : n % 11 == 0 ? returned : good).push_back(row.id);
        }
        (void)conductor.outbox().Confirmed(good);
        conductor.outbox().Failed(failed);
        conductor.outbox().Returned(returned);
        (void)conductor.outbox().Pending();
      }
    });
    std::atomic<std::int64_t> seen = 0;
    background.emplace_back([&] {
      auto watch = conductor.watch().Subscribe({}, [&] { ++seen; });
      std::int64_t cursor = 0;
      while (!done) {
        const auto events = (*watch)->Next(5, milliseconds(5));
        if (!events.ok()) continue;
        for (const auto& event : *events) {
          if (event.initial) continue;
          EXPECT_GE(event.cursor, cursor);
          cursor = event.cursor;
        }
      }
    });
    background.emplace_back([&] {  // watchers that come and go, and are woken as they do
      std::int64_t cursor = 0;
      while (!done) {
        const auto watch = conductor.watch().Subscribe({.cursor = cursor}, [&] { ++seen; });
        ASSERT_TRUE(watch.ok()) << Describe(watch.status());
        for (int i = 0; i < 4; ++i) {
          const auto events = (*watch)->Next(3, milliseconds(0));
          ASSERT_TRUE(events.ok()) << Describe(events.status());
          if (!events->empty()) cursor = std::max(cursor, events->back().cursor);
        }
      }
    });
    background.emplace_back([&] {  // an operator
      while (!done) {
        EXPECT_TRUE(conductor.WhatFits(Rig::Request("").instance).ok());
        EXPECT_TRUE(conductor.Explain(Rig::Request("").instance, 2).ok());
        EXPECT_TRUE(conductor.DisableHost("c", "for now").ok());
        EXPECT_TRUE(conductor.EnableHost("c").ok());
      }
    });
    background.emplace_back([&] {  // agents: whatever is building, is built
      std::map<std::string, std::int64_t> seq;
      while (!done) {
        const auto page = conductor.ListInstances({}, {1000, ""});
        std::map<std::string, std::vector<model::StateReport>> reports;
        for (const auto& r : page->items) {
          const bool building = r->vm_state == model::VmState::kBuilding;
          const bool deleting = r->task_state == model::TaskState::kDeleting;
          if (r->host.empty() || (!building && !deleting)) continue;
          model::StateReport report;
          report.seq = ++seq[r->host];
          report.instance_uuid = r->uuid();
          report.generation = r->generation;
          report.operation = deleting ? "terminate" : "build";
          report.outcome = model::Outcome::kDone;
          report.power_state = model::PowerState::kRunning;
          reports[r->host].push_back(report);
          if (!deleting) (void)conductor.ConfirmStart(r->host, r->uuid(), r->generation);
        }
        for (const auto& [host, batch] : reports) {
          EXPECT_TRUE(conductor.HandleStateReports(rig.sessions[host], batch).ok());
        }
        for (const std::string& host : hosts) {
          (void)conductor.HostHeartbeat(rig.sessions[host], {{"n", 1}});
        }
        rig.clock.Advance(milliseconds(20));
        conductor.Tick();
        (void)conductor.ListHosts({});
        (void)conductor.Flavors();
      }
    });
    {
      std::vector<std::jthread> clients;
      for (int c = 0; c < kClients; ++c) {
        clients.emplace_back([&, c] {
          for (int i = 0; i < kEach; ++i) {
            // Every request is sent by two clients.
            const std::string id = "r" + std::to_string(c / 2) + "-" + std::to_string(i);
            const auto answer = conductor.CreateInstances(Rig::Request(id));
            ASSERT_TRUE(answer.ok()) << Describe(answer.status());
            ++made;
            if (i % 3 == c % 3) {
              EXPECT_TRUE(conductor.DeleteInstance(answer->front()->uuid().str(), "").ok());
            }
          }
        });
      }
    }
    done = true;
  }
  EXPECT_EQ(made, kClients * kEach);
  rig.CheckInvariants();
  const auto all = LoadAll(*rig.store);
  EXPECT_EQ(all->requests.size(), static_cast<std::size_t>(kClients / 2 * kEach));
}

}  // namespace
}  // namespace kilonova::scheduler::core
