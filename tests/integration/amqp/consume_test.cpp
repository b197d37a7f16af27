// SPDX-License-Identifier: Apache-2.0
// What a consumer promises, against a real broker.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/integration/amqp/fixture.h"

namespace kilonova::amqp {
namespace {

using Consuming = AmqpTest;

// What lies in nova.dead for `routing_key`, taken out by a consumer that acknowledges.
ConsumerOptions DeadLetterReader() {
  ConsumerOptions options;
  options.topology = HostTopology("reader-of-the-dead");
  options.queue = std::string(kDeadLetters);
  options.probe.interval = milliseconds(0);
  options.backoff = Quick();
  return options;
}

TEST_F(Consuming, Rejected_IsDeadLettered) {
  Receiver dead(Settings(), DeadLetterReader());
  Receiver receiver(Settings(), ConsumerFor(Host()), Receiver::Then::kReject);
  ASSERT_TRUE(receiver.Ready() && dead.Ready());
  Publisher publisher(Settings(), PublisherQuick());
  ASSERT_EQ(Send(publisher, To(Host(), "poison")), PublishResult::kConfirmed);
  ASSERT_TRUE(Eventually([&] {
    const auto bodies = dead.Bodies();
    return std::ranges::find(bodies, "poison") != bodies.end();
  }));
  EXPECT_TRUE(Eventually([&] { return receiver.Health().rejected == 1; }));
  EXPECT_EQ(receiver.Bodies().size(), 1u);
}

TEST_F(Consuming, Prefetch_BoundsWhatIsUnsettled) {
  ConsumerOptions options = ConsumerFor(Host());
  options.prefetch = 5;
  Receiver receiver(Settings(), options, Receiver::Then::kKeep);
  ASSERT_TRUE(receiver.Ready());
  Publisher publisher(Settings(), PublisherQuick());
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(Send(publisher, To(Host(), std::to_string(i))), PublishResult::kConfirmed);
  }
  ASSERT_TRUE(receiver.Got(5));
  EXPECT_FALSE(receiver.Got(6, milliseconds(500)));
  EXPECT_EQ(receiver.Health().unsettled, 5u);
  receiver.consumer().Ack(receiver.Deliveries()[0].token);
  EXPECT_TRUE(receiver.Got(6));
  EXPECT_FALSE(receiver.Got(7, milliseconds(300)));
}

// Busy is not deaf: nothing can come back while all of the prefetch is unsettled.
TEST_F(Consuming, FullPrefetch_IsNotTakenForDeafness) {
  ConsumerOptions options = ConsumerFor(Host());
  options.prefetch = 1;
  options.probe = {.interval = milliseconds(50), .deaf_after = seconds(3)};
  Receiver receiver(Settings(), options, Receiver::Then::kKeep);
  ASSERT_TRUE(receiver.Ready());
  Publisher publisher(Settings(), PublisherQuick());
  ASSERT_EQ(Send(publisher, To(Host(), "slow")), PublishResult::kConfirmed);
  ASSERT_TRUE(receiver.Got(1));
  EXPECT_FALSE(Eventually([&] { return receiver.Health().deaf > 0; }, milliseconds(4500)));
  receiver.consumer().Ack(receiver.Deliveries()[0].token);
  EXPECT_TRUE(Eventually([&] { return receiver.Health().acked >= 1; }));
  EXPECT_EQ(receiver.Health().connects, 1u);
}

TEST_F(Consuming, Unsettled_ComesAgainAndIsCounted) {
  Publisher publisher(Settings(), PublisherQuick());
  {
    Receiver receiver(Settings(), ConsumerFor(Host()), Receiver::Then::kKeep);
    ASSERT_TRUE(receiver.Ready());
    ASSERT_EQ(Send(publisher, To(Host(), "again")), PublishResult::kConfirmed);
    ASSERT_TRUE(receiver.Got(1));
    EXPECT_EQ(receiver.Deliveries()[0].delivery_count, 0);
  }
  Receiver second(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(second.Got(1));
  EXPECT_EQ(second.Bodies()[0], "again");
  EXPECT_TRUE(second.Deliveries()[0].redelivered);
  EXPECT_EQ(second.Deliveries()[0].delivery_count, 1);
}

TEST_F(Consuming, Stopped_LeavesMessagesInTheQueueUntilResumed) {
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  receiver.consumer().Stop("journal failed");
  ASSERT_TRUE(Eventually([&] { return !receiver.Health().connected; }));
  EXPECT_EQ(receiver.Health().stopped, "journal failed");
  Publisher publisher(Settings(), PublisherQuick());
  ASSERT_EQ(Send(publisher, To(Host(), "kept")), PublishResult::kConfirmed);
  EXPECT_FALSE(receiver.Got(1, milliseconds(500)));
  receiver.consumer().Resume();
  EXPECT_TRUE(receiver.Got(1));
}

TEST_F(Consuming, QueueDeleted_IsDeclaredAgain) {
  Receiver receiver(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(receiver.Ready());
  ASSERT_TRUE(SharedBroker().Ctl({"delete_queue", HostQueueName(Host())}).ok());
  ASSERT_TRUE(Eventually([&] { return receiver.Health().cancelled == 1; }));
  ASSERT_TRUE(Eventually([&] {
    const auto health = receiver.Health();
    return health.consuming && health.connects == 2;
  }));
  Publisher publisher(Settings(), PublisherQuick());
  EXPECT_EQ(Send(publisher, To(Host(), "after")), PublishResult::kConfirmed);
  EXPECT_TRUE(receiver.Got(1));
}

// Somebody unbinds the queue: the consumer is told nothing, only the probe can know.
TEST_F(Consuming, BindingRemoved_ProbeNoticesAndBindsAgain) {
  ConsumerOptions options = ConsumerFor(Host());
  options.probe = {.interval = milliseconds(100), .deaf_after = kPatience};
  Receiver receiver(Settings(), options);
  ASSERT_TRUE(receiver.Ready());
  ASSERT_TRUE(Eventually([&] { return receiver.Health().probes_received > 0; }));
  const std::string queue = HostQueueName(Host());
  const std::string resource = "{resource,<<\"/\">>,";
  const auto removed =
      SharedBroker().Ctl({"eval", "rabbit_binding:remove({binding," + resource +
                                      "exchange,<<\"nova\">>},<<\"" + queue + "\">>," + resource +
                                      "queue,<<\"" + queue + "\">>},[]}, <<\"test\">>)."});
  ASSERT_TRUE(removed.ok()) << removed.status();
  ASSERT_TRUE(Eventually([&] { return receiver.Health().connects >= 2; }));
  EXPECT_THAT(kilonova::Message(receiver.Health().last_error), ::testing::HasSubstr("312"));
  ASSERT_TRUE(receiver.Ready());
  Publisher publisher(Settings(), PublisherQuick());
  EXPECT_EQ(Send(publisher, To(Host(), "after")), PublishResult::kConfirmed);
  EXPECT_TRUE(receiver.Got(1));
}

TEST_F(Consuming, OtherDeclarationOfTheQueue_IsLoud) {
  ConsumerOptions classic = ConsumerFor(Host());
  classic.topology.queues[1].arguments = {{"x-queue-type", "classic"}};
  Receiver first(Settings(), classic);
  ASSERT_TRUE(first.Ready());
  Receiver second(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(Eventually([&] { return !second.Health().last_error.ok(); }));
  const ConsumerHealth health = second.Health();
  EXPECT_EQ(health.last_error.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(HasReason(health.last_error, reason::kBrokerRefused));
  EXPECT_THAT(kilonova::Message(health.last_error), ::testing::HasSubstr("PRECONDITION_FAILED"));
  EXPECT_FALSE(health.consuming);
}

TEST_F(Consuming, Probes_ComeBackAndNeverReachTheHandler) {
  ConsumerOptions options = ConsumerFor(Host());
  options.probe = {.interval = milliseconds(50), .deaf_after = kPatience};
  Receiver receiver(Settings(), options);
  ASSERT_TRUE(Eventually([&] { return receiver.Health().probes_received >= 5; }));
  EXPECT_TRUE(receiver.Bodies().empty());
  EXPECT_EQ(receiver.Health().deaf, 0u);
  EXPECT_TRUE(Eventually([&] { return receiver.Health().unsettled == 0; }));
}

// The broker's process stands still: connected, silent. Then it goes on.
TEST_F(Consuming, SilentBroker_IsNoticedByProbeAndLeft) {
  ConsumerOptions options = ConsumerFor(Host());
  options.probe = {.interval = milliseconds(100), .deaf_after = milliseconds(1000)};
  ConnectionSettings settings = Settings();
  settings.connect_deadline = settings.call_deadline = milliseconds(1000);
  Receiver receiver(settings, options);
  ASSERT_TRUE(Eventually([&] { return receiver.Health().probes_received > 0; }));
  SharedBroker().Pause();
  const bool noticed = Eventually([&] { return receiver.Health().deaf > 0; });
  SharedBroker().Unpause();
  ASSERT_TRUE(noticed);
  ASSERT_TRUE(receiver.Ready());
  Publisher publisher(Settings(), PublisherQuick());
  EXPECT_EQ(Send(publisher, To(Host(), "after")), PublishResult::kConfirmed);
  EXPECT_TRUE(receiver.Got(1));
}

TEST_F(Consuming, SilentBroker_IsNoticedByHeartbeatAlone) {
  ConsumerOptions options = ConsumerFor(Host());
  options.probe.interval = milliseconds(0);
  ConnectionSettings settings = Settings();
  settings.heartbeat = seconds(1);
  settings.connect_deadline = settings.call_deadline = milliseconds(1000);
  Receiver receiver(settings, options);
  ASSERT_TRUE(receiver.Ready());
  SharedBroker().Pause();
  const bool noticed = Eventually([&] { return !receiver.Health().connected; });
  SharedBroker().Unpause();
  EXPECT_TRUE(noticed);
  EXPECT_TRUE(receiver.Ready());
}

std::int64_t ResidentKib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  }
  return 0;
}

// The broker's own limit is 16 MiB; ours is 1 MiB and such a body is never held.
TEST_F(Consuming, BodyNearTheBrokersLimit_IsReadPastAndNotKept) {
  Receiver receiver(Settings(), ConsumerFor(Host()), Receiver::Then::kReject);
  ASSERT_TRUE(receiver.Ready());
  PublisherOptions options = PublisherQuick();
  options.max_body = 1u << 30;
  Publisher publisher(Settings(), options);
  Message message = To(Host(), std::string((16u << 20) - 1024, 'x'));
  const std::uint64_t size = message.body.size();
  const std::int64_t before = ResidentKib();
  ASSERT_EQ(Send(publisher, std::move(message)), PublishResult::kConfirmed);
  ASSERT_TRUE(receiver.Got(1));
  const Delivery delivery = receiver.Deliveries()[0];
  EXPECT_TRUE(delivery.too_large);
  EXPECT_EQ(delivery.body_size, size);
  EXPECT_TRUE(delivery.body.empty());
  EXPECT_LT(ResidentKib() - before, 4096);
  EXPECT_EQ(Send(publisher, To(Host(), "good")), PublishResult::kConfirmed);
  EXPECT_TRUE(receiver.Got(2));
}

}  // namespace
}  // namespace kilonova::amqp
