// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor_contract.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace kilonova::testing {
namespace {

using agent::core::DomainEvent;
using agent::core::DomainEventKind;
using model::PowerState;

struct Heard {
  std::mutex mutex;
  std::vector<DomainEvent> events;
};

bool Soon(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

void CheckHypervisorContract(agent::core::Hypervisor& hypervisor,
                             const std::function<std::string(const Uuid&)>& xml_of) {
  const Uuid uuid = Uuid::Random();
  auto heard = std::make_shared<Heard>();  // events may come after this has returned
  hypervisor.Subscribe(
      [heard](const DomainEvent& event) {
        const std::scoped_lock lock(heard->mutex);
        heard->events.push_back(event);
      },
      [] {});
  ASSERT_TRUE(Soon([&] { return hypervisor.Connected(); }));
  const auto saw = [heard, uuid](DomainEventKind kind) {
    return Soon([&] {
      const std::scoped_lock lock(heard->mutex);
      return std::any_of(heard->events.begin(), heard->events.end(),
                         [&](const auto& e) { return e.uuid == uuid && e.kind == kind; });
    });
  };
  const auto power = [&] {
    const auto state = hypervisor.State(uuid);
    EXPECT_TRUE(state.ok()) << Describe(state.status());
    return state.ok() ? state->power : PowerState::kNoState;
  };
  const auto listed = [&] {
    const auto list = hypervisor.List();
    EXPECT_TRUE(list.ok());
    return list.ok() &&
           std::any_of(list->begin(), list->end(), [&](const auto& d) { return d.uuid == uuid; });
  };

  // Nothing there: what removes is content, the rest says so.
  EXPECT_TRUE(HasReason(hypervisor.State(uuid).status(), reason::kDomainNotFound));
  EXPECT_EQ(hypervisor.State(uuid).status().code(), Code::kNotFound);
  EXPECT_TRUE(HasReason(hypervisor.DevicesOf(uuid).status(), reason::kDomainNotFound));
  EXPECT_TRUE(HasReason(hypervisor.Start(uuid), reason::kDomainNotFound));
  EXPECT_TRUE(hypervisor.Destroy(uuid).ok());
  EXPECT_TRUE(hypervisor.Undefine(uuid).ok());
  EXPECT_FALSE(listed());

  const std::string xml = xml_of(uuid);
  for (int i = 0; i < 2; ++i) {
    const Status defined = hypervisor.Define(xml);
    ASSERT_TRUE(defined.ok()) << Describe(defined);
  }
  EXPECT_EQ(power(), PowerState::kShutdown);
  EXPECT_EQ(hypervisor.State(uuid)->owner.generation, 7);
  ASSERT_TRUE(hypervisor.DevicesOf(uuid).ok());
  EXPECT_TRUE(hypervisor.DevicesOf(uuid)->pci.empty());
  EXPECT_TRUE(listed());
  for (int i = 0; i < 2; ++i) {
    const Status started = hypervisor.Start(uuid);
    ASSERT_TRUE(started.ok()) << Describe(started);
  }
  EXPECT_EQ(power(), PowerState::kRunning);
  EXPECT_TRUE(saw(DomainEventKind::kStarted));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hypervisor.Destroy(uuid).ok());
  EXPECT_EQ(power(), PowerState::kShutdown);
  EXPECT_TRUE(saw(DomainEventKind::kStopped));
  EXPECT_TRUE(hypervisor.Shutdown(uuid).ok());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hypervisor.Undefine(uuid).ok());
  EXPECT_TRUE(saw(DomainEventKind::kUndefined));
  EXPECT_TRUE(HasReason(hypervisor.State(uuid).status(), reason::kDomainNotFound));
  EXPECT_FALSE(listed());
}

}  // namespace kilonova::testing
