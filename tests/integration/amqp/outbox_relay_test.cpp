// SPDX-License-Identifier: Apache-2.0
// From an outbox to live queues: every row comes back exactly once per taking, nothing is lost.
#include "scheduler/adapters/amqp/outbox_relay.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/integration/amqp/fixture.h"

namespace kilonova::amqp {
namespace {

using scheduler::adapters::amqp::OutboxRelay;
using scheduler::adapters::amqp::OutboxRelayOptions;
using scheduler::core::OutboxRow;

// Keeps rows until they are confirmed or returned; fails the test when one is given back untaken.
class MemoryOutbox final : public scheduler::core::Outbox {
 public:
  void Add(const std::string& host, const std::string& body) {
    absl::MutexLock lock(&mutex_);
    OutboxRow row;
    row.id = next_id_++;
    row.host = host;
    row.body = body;
    rows_[row.id] = std::move(row);
  }

  std::vector<OutboxRow> Take(std::size_t most, std::chrono::milliseconds wait) override {
    absl::MutexLock lock(&mutex_);
    const auto some = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return rows_.size() > taken_.size() || stopped_;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&some), absl::FromChrono(wait));
    std::vector<OutboxRow> batch;
    for (const auto& [id, row] : rows_) {
      if (batch.size() == most || stopped_) break;
      if (taken_.insert(id).second) batch.push_back(row);
    }
    return batch;
  }
  void Stop() override {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  Status Confirmed(std::span<const std::int64_t> ids) override {
    absl::MutexLock lock(&mutex_);
    for (const auto id : ids) {
      EXPECT_EQ(taken_.erase(id), 1u);
      rows_.erase(id);
      ++confirmed_;
    }
    return OkStatus();
  }
  void Returned(std::span<const std::int64_t> ids) override {
    absl::MutexLock lock(&mutex_);
    for (const auto id : ids) {
      EXPECT_EQ(taken_.erase(id), 1u);
      returned_.insert(rows_[id].body);
      rows_.erase(id);
    }
  }
  void Failed(std::span<const std::int64_t> ids) override {
    absl::MutexLock lock(&mutex_);
    for (const auto id : ids) EXPECT_EQ(taken_.erase(id), 1u);
    failed_ += ids.size();
  }
  std::size_t Pending() const override {
    absl::MutexLock lock(&mutex_);
    return rows_.size();
  }

  std::set<std::string> ReturnedBodies() const {
    absl::MutexLock lock(&mutex_);
    return returned_;
  }
  std::size_t FailedCount() const {
    absl::MutexLock lock(&mutex_);
    return failed_;
  }
  std::size_t Taken() const {
    absl::MutexLock lock(&mutex_);
    return taken_.size();
  }

 private:
  mutable absl::Mutex mutex_;
  std::int64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<std::int64_t, OutboxRow> rows_ ABSL_GUARDED_BY(mutex_);
  std::set<std::int64_t> taken_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> returned_ ABSL_GUARDED_BY(mutex_);
  std::size_t confirmed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t failed_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

class Relaying : public AmqpTest {
 protected:
  static OutboxRelayOptions Quickly() { return {.publisher = PublisherQuick()}; }
};

TEST_F(Relaying, Rows_ArriveInOrderAndAreForgotten) {
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  MemoryOutbox outbox;
  for (int i = 0; i < 500; ++i) outbox.Add(Host(), std::to_string(i));
  OutboxRelay relay(Settings(), outbox, Quickly());
  ASSERT_TRUE(receiver.Got(500));
  ASSERT_TRUE(Eventually([&] { return outbox.Pending() == 0; }));
  const auto bodies = receiver.Bodies();
  EXPECT_TRUE(std::ranges::is_sorted(
      bodies, [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); }));
  EXPECT_TRUE(Eventually([&] { return relay.Counters().open == 0; }));
  EXPECT_EQ(relay.Counters().confirmed, 500u);
}

TEST_F(Relaying, HostWithoutQueue_IsReturnedAndDisturbsNoOther) {
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  MemoryOutbox outbox;
  OutboxRelay relay(Settings(), outbox, Quickly());
  ASSERT_TRUE(Eventually([&] { return relay.Health().connected; }));
  outbox.Add("ghost", "lost");
  outbox.Add(Host(), "fine");
  EXPECT_TRUE(Eventually([&] { return outbox.ReturnedBodies().contains("lost"); }));
  EXPECT_TRUE(receiver.Got(1));
  EXPECT_TRUE(Eventually([&] { return outbox.Pending() == 0; }));
  EXPECT_EQ(relay.Counters().returned, 1u);
}

TEST_F(Relaying, TooLargeForAnyHost_IsNotTriedForEver) {
  MemoryOutbox outbox;
  OutboxRelay relay(Settings(), outbox, Quickly());
  outbox.Add(Host(), std::string((1u << 20) + 1, 'x'));
  EXPECT_TRUE(Eventually([&] { return outbox.ReturnedBodies().size() == 1; }));
}

TEST_F(Relaying, Stopped_GivesBackWhatIsOpen) {
  ConnectionSettings nowhere = Settings();
  nowhere.port = 1;
  MemoryOutbox outbox;
  for (int i = 0; i < 10; ++i) outbox.Add(Host(), std::to_string(i));
  {
    OutboxRelay relay(nowhere, outbox, Quickly());
    ASSERT_TRUE(Eventually([&] { return outbox.Taken() == 10; }));
    outbox.Stop();
  }
  EXPECT_EQ(outbox.Taken(), 0u);
  EXPECT_EQ(outbox.Pending(), 10u);
}

TEST_F(Relaying, BrokerKilled_OpenRowsAreSentAgain) {
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  ASSERT_TRUE(SharedBroker().WaitForQueueOnDisk(HostQueueName(Host())).ok());
  MemoryOutbox outbox;
  OutboxRelay relay(Settings(), outbox, Quickly());
  ASSERT_TRUE(Eventually([&] { return relay.Health().connected; }));
  SharedBroker().Pause();
  std::set<std::string> want;
  for (int i = 0; i < 20; ++i) {
    want.insert(std::to_string(i));
    outbox.Add(Host(), std::to_string(i));
  }
  ASSERT_TRUE(Eventually([&] { return relay.Health().in_flight == 20; }));
  SharedBroker().Kill9();
  ASSERT_TRUE(Eventually([&] { return outbox.FailedCount() == 20; }));
  EXPECT_EQ(outbox.Pending(), 20u);
  ASSERT_TRUE(SharedBroker().Restart().ok());
  ASSERT_TRUE(Eventually([&] { return outbox.Pending() == 0; }));
  ASSERT_TRUE(Eventually([&] {
    const auto bodies = receiver.Bodies();
    return std::set<std::string>(bodies.begin(), bodies.end()) == want;
  }));
}

}  // namespace
}  // namespace kilonova::amqp
