// SPDX-License-Identifier: Apache-2.0
// One broker for the whole binary; a host name, and so a queue, for each test.
#pragma once

#include <absl/synchronization/mutex.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proto/amqp/consumer.h"
#include "proto/amqp/publisher.h"
#include "tests/support/broker.h"

namespace kilonova::amqp {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Started on first use; ended with the process.
::kilonova::testing::TestBroker& SharedBroker();

// Longer than anything takes, on a machine that does ten other things too.
constexpr seconds kPatience{60};

// Waits for `condition`, at most `patience`.
inline bool Eventually(const std::function<bool()>& condition, milliseconds patience = kPatience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return condition();
}

// Quick to reconnect, so that tests wait for brokers and not for us.
inline Backoff::Limits Quick() { return {.base = milliseconds(20), .cap = milliseconds(200)}; }

class AmqpTest : public ::testing::Test {
 protected:
  void SetUp() override { SharedBroker(); }

  static ConnectionSettings Settings() {
    auto settings = ParseUrl(SharedBroker().url()).value();
    settings.name = "kilonova-test";
    return settings;
  }
  static std::string Host() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    return std::string(info->test_suite_name()) + "." + info->name();
  }
  static ConsumerOptions ConsumerFor(const std::string& host) {
    ConsumerOptions options = HostConsumerOptions(host);
    options.backoff = Quick();
    return options;
  }
  static PublisherOptions PublisherQuick() { return {.backoff = Quick()}; }
  static Message To(const std::string& host, std::string body) {
    return {.exchange = std::string(kNovaExchange),
            .routing_key = HostQueueName(host),
            .body = std::move(body)};
  }
  // Publishes and waits for what became of it.
  static PublishResult Send(Publisher& publisher, Message message) {
    auto sent = publisher.Publish(std::move(message));
    EXPECT_TRUE(sent.ok()) << sent.status();
    if (!sent.ok() || sent->wait_for(kPatience) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      return PublishResult::kUnknown;
    }
    return sent->get().result;
  }
};

// A consumer that remembers what it got; acknowledges at once unless told otherwise.
class Receiver {
 public:
  enum class Then { kAck, kKeep, kReject };
  Receiver(ConnectionSettings settings, ConsumerOptions options, Then then = Then::kAck);

  std::vector<std::string> Bodies() const {
    absl::MutexLock lock(&mutex_);
    return bodies_;
  }
  std::vector<Delivery> Deliveries() const {
    absl::MutexLock lock(&mutex_);
    return deliveries_;
  }
  bool Got(std::size_t count, milliseconds patience = kPatience) const {
    return Eventually([&] { return Bodies().size() >= count; }, patience);
  }
  bool Ready() const {
    return Eventually([&] { return consumer_->Health().consuming; });
  }
  Consumer& consumer() { return *consumer_; }
  ConsumerHealth Health() const { return consumer_->Health(); }

 private:
  void Take(Delivery delivery);

  const Then then_;
  mutable absl::Mutex mutex_;
  std::vector<std::string> bodies_ ABSL_GUARDED_BY(mutex_);
  std::vector<Delivery> deliveries_ ABSL_GUARDED_BY(mutex_);
  std::atomic<Consumer*> self_{nullptr};
  std::unique_ptr<Consumer> consumer_;
};

}  // namespace kilonova::amqp
