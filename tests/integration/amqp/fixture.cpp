// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/amqp/fixture.h"

namespace kilonova::amqp {
namespace {

std::unique_ptr<::kilonova::testing::TestBroker>& Broker() {
  static std::unique_ptr<::kilonova::testing::TestBroker> broker;
  return broker;
}

class EndBroker : public ::testing::Environment {
 public:
  void TearDown() override { Broker().reset(); }
};
const auto* const kEndBroker = ::testing::AddGlobalTestEnvironment(new EndBroker);

}  // namespace

::kilonova::testing::TestBroker& SharedBroker() {
  auto& broker = Broker();
  if (broker == nullptr) {
    broker = std::make_unique<::kilonova::testing::TestBroker>();
    const Status started = broker->Start();
    if (!started.ok()) {
      ADD_FAILURE() << started;
      std::abort();
    }
  }
  return *broker;
}

Receiver::Receiver(ConnectionSettings settings, ConsumerOptions options, Then then) : then_(then) {
  consumer_ = std::make_unique<Consumer>(std::move(settings), std::move(options),
                                         [this](Delivery delivery) { Take(std::move(delivery)); });
  self_ = consumer_.get();
}

void Receiver::Take(Delivery delivery) {
  // The first delivery may come before the constructor knows its own consumer.
  while (self_.load() == nullptr) std::this_thread::yield();
  const DeliveryToken token = delivery.token;
  {
    // Before the broker hears: a test may look as soon as it has an effect there.
    absl::MutexLock lock(&mutex_);
    bodies_.push_back(delivery.body);
    deliveries_.push_back(std::move(delivery));
  }
  if (then_ == Then::kAck) self_.load()->Ack(token);
  if (then_ == Then::kReject) self_.load()->Reject(token);
}

}  // namespace kilonova::amqp
