// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/topology.h"

namespace kilonova::amqp {
namespace {

// As good as none: every lost connection counts, and what the broker gives up nobody hears of. The
// receiver itself ends poison. Said all the same, for brokers whose default is 20.
constexpr std::int64_t kDeliveryLimit = 1'000'000;

}  // namespace

std::string HostQueueName(std::string_view host) { return "compute." + std::string(host); }

Topology PublisherTopology() { return {.exchanges = {{.name = std::string(kNovaExchange)}}}; }

Topology HostTopology(std::string_view host) {
  const std::string nova(kNovaExchange);
  const std::string dead(kDeadLetters);
  const std::string queue = HostQueueName(host);
  return {
      .exchanges = {{.name = nova}, {.name = dead, .type = "fanout"}},
      .queues = {{.name = dead, .arguments = {{"x-queue-type", "quorum"}}},
                 {.name = queue,
                  .arguments = {{"x-queue-type", "quorum"},
                                {"x-dead-letter-exchange", dead},
                                {"x-delivery-limit", kDeliveryLimit}}}},
      .bindings = {{.queue = dead, .exchange = dead, .key = ""},
                   {.queue = queue, .exchange = nova, .key = queue}},
  };
}

}  // namespace kilonova::amqp
