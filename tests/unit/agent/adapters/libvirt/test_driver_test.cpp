// SPDX-License-Identifier: Apache-2.0
// The adapter on libvirt's built-in test driver: no daemon, no QEMU.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "agent/adapters/libvirt/hypervisor.h"
#include "tests/support/fake_hypervisor.h"
#include "tests/support/hypervisor_contract.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

using core::DomainEvent;
using core::DomainEventKind;
using std::chrono::milliseconds;

template <class Condition>
bool Soon(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  return condition();
}

std::string Xml(const Uuid& uuid, const std::string& host) {
  return "<domain type='test'><name>" + uuid.str() + "</name><uuid>" + uuid.str() +
         "</uuid><memory>1024</memory><os><type>hvm</type></os><metadata><kilonova:owner "
         "xmlns:kilonova='" +
         core::kOwnerTagNamespace + "' host='" + host +
         "' generation='7' claim='11111111-2222-4333-8444-555555555555'/></metadata></domain>";
}

class TestDriver : public ::testing::Test {
 protected:
  TestDriver() : hypervisor_(MakeOptions()) {
    hypervisor_.Subscribe(
        [this](const DomainEvent& event) {
          const std::scoped_lock lock(mutex_);
          events_.push_back(event);
        },
        [this] { ++reconnected_; });
  }
  static Options MakeOptions() {
    Options options;
    options.uri = "test:///default";
    options.host = "host-a";
    return options;
  }
  void SetUp() override {
    ASSERT_TRUE(Soon([this] { return hypervisor_.Connected() && reconnected_ > 0; }));
  }
  bool Saw(const Uuid& uuid, DomainEventKind kind) {
    return Soon([&] {
      const std::scoped_lock lock(mutex_);
      return std::any_of(events_.begin(), events_.end(),
                         [&](const auto& e) { return e.uuid == uuid && e.kind == kind; });
    });
  }

  std::mutex mutex_;
  std::vector<DomainEvent> events_;
  std::atomic<int> reconnected_ = 0;
  Hypervisor hypervisor_;
};

TEST_F(TestDriver, Lifecycle_WithEvents) {
  const Uuid uuid = Uuid::Random();
  EXPECT_TRUE(HasReason(hypervisor_.State(uuid).status(), reason::kDomainNotFound));
  ASSERT_TRUE(hypervisor_.Define(Xml(uuid, "host-a")).ok());
  ASSERT_TRUE(hypervisor_.Define(Xml(uuid, "host-a")).ok());
  EXPECT_EQ(hypervisor_.State(uuid)->power, model::PowerState::kShutdown);
  EXPECT_EQ(hypervisor_.State(uuid)->owner.generation, 7);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hypervisor_.Start(uuid).ok());
  EXPECT_TRUE(Saw(uuid, DomainEventKind::kStarted));
  EXPECT_EQ(hypervisor_.State(uuid)->power, model::PowerState::kRunning);
  ASSERT_EQ(hypervisor_.List()->size(), 1U);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hypervisor_.Destroy(uuid).ok());
  EXPECT_TRUE(Saw(uuid, DomainEventKind::kStopped));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hypervisor_.Undefine(uuid).ok());
  EXPECT_TRUE(Saw(uuid, DomainEventKind::kUndefined));
  EXPECT_TRUE(hypervisor_.List()->empty());
}

TEST_F(TestDriver, Contract_IsKept) {
  testing::CheckHypervisorContract(hypervisor_,
                                   [](const Uuid& uuid) { return Xml(uuid, "host-a"); });
}

TEST(FakeHypervisor, Contract_IsKept) {
  testing::FakeHypervisor fake("host-a");
  testing::CheckHypervisorContract(fake, [](const Uuid& uuid) { return Xml(uuid, "host-a"); });
}

TEST_F(TestDriver, Foreign_NeverListedNeverTouched) {
  // The driver's own domain "test" has no tag; another has another's.
  const Uuid uuid = Uuid::Random();
  Options other = MakeOptions();
  other.host = "host-b";
  Hypervisor theirs(other);
  ASSERT_TRUE(Soon([&] { return theirs.Connected(); }));
  ASSERT_TRUE(theirs.Define(Xml(uuid, "host-b")).ok());
  EXPECT_TRUE(hypervisor_.List()->empty());
  EXPECT_TRUE(HasReason(hypervisor_.Destroy(uuid), reason::kHypervisorRefused));
  EXPECT_TRUE(HasReason(hypervisor_.Define(Xml(uuid, "host-a")), reason::kHypervisorRefused));
  EXPECT_TRUE(theirs.Undefine(uuid).ok());
}

TEST_F(TestDriver, Nonsense_Refused) {
  EXPECT_TRUE(HasReason(hypervisor_.Define("<domain"), reason::kHypervisorRefused));
  EXPECT_FALSE(hypervisor_.Define("<domain type='test'/>").ok());
  EXPECT_TRUE(
      HasReason(hypervisor_.NetworkBridge("no such").status(), reason::kHostNetworkMissing));
  EXPECT_TRUE(hypervisor_.NetworkBridge("default").ok());
}

TEST_F(TestDriver, Facts_HaveNoKvm) {
  const auto facts = hypervisor_.Facts();
  ASSERT_TRUE(facts.ok()) << Describe(facts.status());
  EXPECT_GT(facts->cpus, 0);
  EXPECT_GT(facts->memory_mb, 0);
  EXPECT_GT(facts->libvirt_version, 0);
}

TEST(Unreachable, CallsFailAtOnce) {
  Options options;
  options.uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock";
  options.host = "host-a";
  Hypervisor hypervisor(options);
  EXPECT_FALSE(hypervisor.Connected());
  EXPECT_TRUE(HasReason(hypervisor.Facts().status(), reason::kHypervisorUnavailable));
  EXPECT_TRUE(HasReason(hypervisor.Start(Uuid::Random()), reason::kHypervisorUnavailable));
}

}  // namespace
}  // namespace kilonova::agent::adapters::libvirt
