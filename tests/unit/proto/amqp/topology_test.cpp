// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/topology.h"

#include <gtest/gtest.h>

#include "proto/amqp/consumer.h"

namespace kilonova::amqp {
namespace {

TEST(HostTopology, IsWhatTheQueuePageSays) {
  const Topology topology = HostTopology("node-1.example");
  ASSERT_EQ(topology.queues.size(), 2u);
  EXPECT_EQ(topology.queues[0].name, "nova.dead");
  const Queue& queue = topology.queues[1];
  EXPECT_EQ(queue.name, "compute.node-1.example");
  EXPECT_TRUE(queue.durable);
  EXPECT_EQ(queue.arguments, (Headers{{"x-queue-type", "quorum"},
                                      {"x-dead-letter-exchange", "nova.dead"},
                                      {"x-delivery-limit", std::int64_t{1'000'000}}}));
  ASSERT_EQ(topology.bindings.size(), 2u);
  EXPECT_EQ(topology.bindings[1].exchange, "nova");
  EXPECT_EQ(topology.bindings[1].key, "compute.node-1.example");
}

TEST(PublisherTopology, DeclaresNoQueue) {
  EXPECT_TRUE(PublisherTopology().queues.empty());
  ASSERT_EQ(PublisherTopology().exchanges.size(), 1u);
  EXPECT_EQ(PublisherTopology().exchanges[0].type, "topic");
}

TEST(HostConsumerOptions, AreWhatTheQueuePageSays) {
  const ConsumerOptions options = HostConsumerOptions("h");
  EXPECT_EQ(options.queue, "compute.h");
  EXPECT_EQ(options.prefetch, 32);
  EXPECT_EQ(options.max_body, 1048576u);
  EXPECT_EQ(options.probe.interval, std::chrono::seconds(10));
  EXPECT_EQ(options.probe.deaf_after, std::chrono::seconds(45));
}

}  // namespace
}  // namespace kilonova::amqp
