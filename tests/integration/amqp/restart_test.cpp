// SPDX-License-Identifier: Apache-2.0
// The broker dies and comes back on the same data.
#include <atomic>
#include <set>

#include "tests/integration/amqp/fixture.h"

namespace kilonova::amqp {
namespace {

using BrokerKilled = AmqpTest;

TEST_F(BrokerKilled, ConfirmedSurvives_UnconfirmedIsKnown_BothReconnect) {
  Publisher publisher(Settings(), PublisherQuick());
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  ASSERT_TRUE(SharedBroker().WaitForQueueOnDisk(HostQueueName(Host())).ok());
  receiver.consumer().Stop("let messages wait");
  ASSERT_TRUE(Eventually([&] { return !receiver.Health().connected; }));
  ASSERT_EQ(Send(publisher, To(Host(), "confirmed")), PublishResult::kConfirmed);

  // Silent first, so that these are on their way and not confirmed when it dies.
  SharedBroker().Pause();
  std::atomic<int> unknown{0};
  std::set<std::string> again;
  for (int i = 0; i < 10; ++i) {
    const std::string body = "open-" + std::to_string(i);
    again.insert(body);
    ASSERT_TRUE(publisher
                    .Publish(To(Host(), body),
                             [&](const PublishOutcome& outcome) {
                               if (outcome.result == PublishResult::kUnknown) ++unknown;
                             })
                    .ok());
  }
  ASSERT_TRUE(Eventually([&] { return publisher.Health().in_flight == 10; }));
  SharedBroker().Kill9();
  ASSERT_TRUE(Eventually([&] { return unknown == 10; }));
  EXPECT_FALSE(publisher.Health().connected);
  EXPECT_FALSE(publisher.Health().last_error.ok());

  // Asked for while it is down: waits, then goes out.
  auto waiting = publisher.Publish(To(Host(), "waited"));
  ASSERT_TRUE(waiting.ok());
  ASSERT_TRUE(SharedBroker().Restart().ok());
  ASSERT_EQ(waiting->wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(waiting->get().result, PublishResult::kConfirmed);
  for (const std::string& body : again) {
    EXPECT_EQ(Send(publisher, To(Host(), body)), PublishResult::kConfirmed);
  }
  EXPECT_EQ(publisher.Health().connects, 2u);

  receiver.consumer().Resume();
  ASSERT_TRUE(receiver.Got(12));
  const auto bodies = receiver.Bodies();
  std::set<std::string> got(bodies.begin(), bodies.end());
  again.insert({"confirmed", "waited"});
  EXPECT_EQ(got, again);
}

TEST_F(BrokerKilled, ConsumerComesBackByItself) {
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  ASSERT_TRUE(SharedBroker().WaitForQueueOnDisk(HostQueueName(Host())).ok());
  SharedBroker().Kill9();
  ASSERT_TRUE(Eventually([&] { return !receiver.Health().connected; }));
  EXPECT_FALSE(receiver.Health().consuming);
  ASSERT_TRUE(SharedBroker().Restart().ok());
  ASSERT_TRUE(receiver.Ready());
  ASSERT_TRUE(SharedBroker().WaitForQueueOnDisk(HostQueueName(Host())).ok());
  Publisher publisher(Settings(), PublisherQuick());
  EXPECT_EQ(Send(publisher, To(Host(), "hello")), PublishResult::kConfirmed);
  EXPECT_TRUE(receiver.Got(1));
}

}  // namespace
}  // namespace kilonova::amqp
