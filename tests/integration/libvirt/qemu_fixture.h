// SPDX-License-Identifier: Apache-2.0
// The adapter on a libvirtd and QEMU of the suite's own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/adapters/libvirt/hypervisor.h"
#include "tests/integration/libvirt/builders.h"
#include "tests/support/libvirtd.h"

namespace kilonova::testing {

class Events {
 public:
  void Add(const agent::core::DomainEvent& event) {
    const std::scoped_lock lock(mutex_);
    all_.push_back(event);
  }
  bool Saw(const Uuid& uuid, agent::core::DomainEventKind kind) const {
    const std::scoped_lock lock(mutex_);
    return std::any_of(all_.begin(), all_.end(),
                       [&](const auto& e) { return e.uuid == uuid && e.kind == kind; });
  }
  std::size_t Of(const Uuid& uuid) const {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [&](const auto& e) { return e.uuid == uuid; }));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<agent::core::DomainEvent> all_;
};

class QemuTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    libvirtd_ = new TestLibvirtd();
    const Status started = libvirtd_->Start();
    ASSERT_TRUE(started.ok()) << Describe(started);
    ASSERT_TRUE(libvirtd_->AddBridge("kn-br").ok());
    ASSERT_TRUE(libvirtd_->AddNetwork("kn-net", "kn-netbr").ok());
  }
  static void TearDownTestSuite() {
    delete libvirtd_;
    libvirtd_ = nullptr;
  }

  void SetUp() override {
    config_ = GuestConfigIn(libvirtd_->directory());
    base_ = BaseIn(libvirtd_->directory());
    agent::adapters::libvirt::Options options;
    options.uri = libvirtd_->uri();
    options.host = kHost;
    options.virt_type = "qemu";
    options.cpu_models = {"nehalem", "no-such-model"};
    options.most_backoff = std::chrono::milliseconds(200);
    options.on_call = [this](std::string_view, std::chrono::microseconds, bool) { ++calls_; };
    Connect(options);
  }
  void Connect(const agent::adapters::libvirt::Options& options) {
    options_ = options;
    hypervisor_ = std::make_unique<agent::adapters::libvirt::Hypervisor>(options);
    hypervisor_->Subscribe([this](const agent::core::DomainEvent& e) { events_.Add(e); },
                           [this] { ++reconnections_; });
    ASSERT_TRUE(Within(kPatience, [this] { return hypervisor_->Connected(); }));
  }

  void TearDown() override {
    for (const auto& uuid : made_) {
      hypervisor_->Destroy(uuid).IgnoreError();
      hypervisor_->Undefine(uuid).IgnoreError();
    }
    hypervisor_.reset();
  }

  model::BuildRequest Make(std::int64_t id) {
    auto request = SmallGuest(id);
    MakeDisks(config_, request, base_);
    made_.push_back(request.instance.uuid);
    return request;
  }
  Status Define(const model::BuildRequest& request) {
    return hypervisor_->Define(XmlOf(config_, request, base_));
  }
  model::PowerState Power(const Uuid& uuid) {
    const auto state = hypervisor_->State(uuid);
    return state.ok() ? state->power : model::PowerState::kNoState;
  }

  static inline TestLibvirtd* libvirtd_ = nullptr;
  agent::guest::GuestConfig config_;
  agent::core::CachedImage base_;
  Events events_;
  std::atomic<int> reconnections_ = 0, calls_ = 0;
  agent::adapters::libvirt::Options options_;
  std::unique_ptr<agent::adapters::libvirt::Hypervisor> hypervisor_;
  std::vector<Uuid> made_;
};

inline model::NicRequest Nic(model::NetworkKind kind, const std::string& source, int number) {
  model::NicRequest nic;
  nic.port_id = Uuid::Random();
  nic.network_id = Uuid::Random();
  nic.kind = kind;
  nic.source = source;
  nic.mac = "fa:16:3e:00:00:0" + std::to_string(number);
  nic.mtu = 1450;
  return nic;
}

}  // namespace kilonova::testing
