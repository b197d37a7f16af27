// SPDX-License-Identifier: Apache-2.0
// What a publisher promises, against a real broker.
#include <algorithm>
#include <atomic>
#include <set>

#include "tests/integration/amqp/fixture.h"

namespace kilonova::amqp {
namespace {

using Publishing = AmqpTest;

TEST_F(Publishing, MessageForAQueue_IsConfirmedAndArrives) {
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  Publisher publisher(Settings(), PublisherQuick());
  Message message = To(Host(), "{\"a\":1}");
  message.headers["origin"] = "test";
  EXPECT_EQ(Send(publisher, message), PublishResult::kConfirmed);
  ASSERT_TRUE(receiver.Got(1));
  const Delivery delivery = receiver.Deliveries().front();
  EXPECT_EQ(delivery.body, "{\"a\":1}");
  EXPECT_EQ(delivery.content_type, "application/json");
  EXPECT_EQ(delivery.routing_key, HostQueueName(Host()));
  EXPECT_EQ(delivery.headers.at("origin"), HeaderValue("test"));
  EXPECT_FALSE(delivery.redelivered);
}

TEST_F(Publishing, NoQueue_IsReturnedAndNotConfirmed) {
  Publisher publisher(Settings(), PublisherQuick());
  auto sent = publisher.Publish(To("ghost", "x"));
  ASSERT_TRUE(sent.ok());
  const PublishOutcome outcome = sent->get();
  EXPECT_EQ(outcome.result, PublishResult::kReturned);
  EXPECT_THAT(outcome.detail, ::testing::HasSubstr("312"));
  EXPECT_EQ(publisher.Health().confirmed, 0u);
}

// Batch acknowledgements, returns in between, and every message's own answer.
TEST_F(Publishing, ThousandsAtOnce_EachGetsItsOwnAnswer) {
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  Publisher publisher(Settings(), PublisherQuick());
  constexpr int kCount = 3000;
  std::atomic<int> confirmed{0}, returned{0}, wrong{0};
  for (int i = 0; i < kCount; ++i) {
    const bool ghost = i % 7 == 0;
    const Status status = publisher.Publish(
        To(ghost ? "ghost" : Host(), std::to_string(i)), [&, ghost](const PublishOutcome& outcome) {
          if (outcome.result == PublishResult::kConfirmed) ++confirmed;
          if (outcome.result == PublishResult::kReturned) ++returned;
          if ((outcome.result == PublishResult::kReturned) != ghost) ++wrong;
        });
    ASSERT_TRUE(status.ok()) << status;
  }
  ASSERT_TRUE(Eventually([&] { return confirmed + returned == kCount; }));
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(returned, (kCount + 6) / 7);
  ASSERT_TRUE(receiver.Got(static_cast<std::size_t>(confirmed.load())));
  const auto bodies = receiver.Bodies();
  EXPECT_EQ(std::set<std::string>(bodies.begin(), bodies.end()).size(), bodies.size());
  EXPECT_TRUE(std::ranges::is_sorted(
      bodies, [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); }));
}

TEST_F(Publishing, TooLarge_IsRefusedBeforeTheBroker) {
  Publisher publisher(Settings(), PublisherQuick());
  const auto sent = publisher.Publish(To("any", std::string((1u << 20) + 1, 'x')));
  ASSERT_FALSE(sent.ok());
  EXPECT_TRUE(HasReason(sent.status(), reason::kMessageTooLarge));
}

TEST_F(Publishing, NobodyListens_InboxIsBounded) {
  ConnectionSettings settings = Settings();
  settings.port = 1;
  PublisherOptions options = PublisherQuick();
  options.inbox = 2;
  std::atomic<int> unknown{0};
  {
    Publisher publisher(settings, options);
    const auto done = [&](const PublishOutcome& outcome) {
      if (outcome.result == PublishResult::kUnknown) ++unknown;
    };
    EXPECT_TRUE(publisher.Publish(To("a", "1"), done).ok());
    EXPECT_TRUE(publisher.Publish(To("a", "2"), done).ok());
    EXPECT_FALSE(publisher.Publish(To("a", "3"), done).ok());
    EXPECT_TRUE(Eventually([&] { return !publisher.Health().last_error.ok(); }));
    EXPECT_EQ(publisher.Health().last_error.code(), Code::kUnavailable);
  }
  EXPECT_EQ(unknown, 2);
}

TEST_F(Publishing, WrongPassword_IsSaid) {
  ConnectionSettings settings = Settings();
  settings.password = "hunter2";
  Publisher publisher(settings, PublisherQuick());
  ASSERT_TRUE(Eventually([&] { return !publisher.Health().last_error.ok(); }));
  const Status error = publisher.Health().last_error;
  EXPECT_EQ(error.code(), Code::kPermissionDenied) << error;
  EXPECT_TRUE(HasReason(error, reason::kBrokerRefused));
  EXPECT_EQ(kilonova::Message(error).find("hunter2"), std::string::npos);
}

TEST_F(Publishing, ClientProperties_AnnounceWhatWeUnderstand) {
  ConnectionSettings settings = Settings();
  settings.name = "props-of-kilonova";
  Publisher publisher(settings, PublisherQuick());
  ASSERT_TRUE(Eventually([&] { return publisher.Health().connected; }));
  const auto listed = SharedBroker().Ctl({"list_connections", "client_properties"});
  ASSERT_TRUE(listed.ok()) << listed.status();
  for (const char* text :
       {"consumer_cancel_notify", "connection.blocked", "basic.nack", "publisher_confirms",
        "authentication_failure_close", "props-of-kilonova", "Kilonova"}) {
    EXPECT_THAT(*listed, ::testing::HasSubstr(text));
  }
}

// A short heartbeat and nothing to do: the connection must outlive many of them.
TEST_F(Publishing, Idle_KeepsItsConnectionAlive) {
  ConnectionSettings settings = Settings();
  settings.heartbeat = seconds(2);
  Publisher publisher(settings, PublisherQuick());
  ASSERT_TRUE(Eventually([&] { return publisher.Health().connected; }));
  EXPECT_FALSE(Eventually([&] { return !publisher.Health().connected; }, seconds(9)));
  EXPECT_EQ(publisher.Health().connects, 1u);
}

TEST_F(Publishing, MemoryAlarm_PausesUntilItIsOver) {
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  ConnectionSettings settings = Settings();
  settings.heartbeat = seconds(2);
  Publisher publisher(settings, PublisherQuick());
  ASSERT_EQ(Send(publisher, To(Host(), "before")), PublishResult::kConfirmed);
  ASSERT_TRUE(SharedBroker().Ctl({"set_vm_memory_high_watermark", "0"}).ok());
  // The broker tells a connection once that one publishes.
  auto trigger = publisher.Publish(To(Host(), "trigger"));
  ASSERT_TRUE(trigger.ok());
  ASSERT_TRUE(Eventually([&] { return publisher.Health().blocked; }));
  auto held = publisher.Publish(To(Host(), "held"));
  ASSERT_TRUE(held.ok());
  // Longer than the heartbeat's patience: blocked must not become lost.
  EXPECT_EQ(held->wait_for(seconds(7)), std::future_status::timeout);
  EXPECT_EQ(publisher.Health().waiting, 1u);
  EXPECT_EQ(publisher.Health().connects, 1u);
  ASSERT_TRUE(SharedBroker().Ctl({"set_vm_memory_high_watermark", "0.6"}).ok());
  ASSERT_EQ(held->wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(held->get().result, PublishResult::kConfirmed);
  EXPECT_EQ(trigger->get().result, PublishResult::kConfirmed);
  EXPECT_FALSE(publisher.Health().blocked);
  EXPECT_EQ(publisher.Health().connects, 1u);
  EXPECT_TRUE(receiver.Got(3));
}

}  // namespace
}  // namespace kilonova::amqp
