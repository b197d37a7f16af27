// SPDX-License-Identifier: Apache-2.0
// What must exist at the broker, declared anew on every connection. docs/formats/queue.md gives
// the names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/amqp/message.h"

namespace kilonova::amqp {

struct Exchange {
  std::string name;
  std::string type = "topic";
  bool durable = true;
};

struct Queue {
  std::string name;
  bool durable = true;
  Headers arguments;  // x-queue-type, x-dead-letter-exchange...
};

struct Binding {
  std::string queue, exchange, key;
};

struct Topology {
  std::vector<Exchange> exchanges;
  std::vector<Queue> queues;
  std::vector<Binding> bindings;
};

// What a message is about, for a receiver that refuses it unread: the method's name, the instance's
// uuid, its generation.
inline constexpr std::string_view kMethodHeader = "kilonova-method";
inline constexpr std::string_view kInstanceHeader = "kilonova-instance";
inline constexpr std::string_view kGenerationHeader = "kilonova-generation";

inline constexpr std::string_view kNovaExchange = "nova";
inline constexpr std::string_view kDeadLetters = "nova.dead";  // exchange and queue

// "compute.<host>": a host's queue, and the key messages for it carry.
std::string HostQueueName(std::string_view host);

// The exchange alone: what a publisher needs. Queues are their consumers' to declare, as a queue
// that exists while no agent ever ran would make an unroutable message look sent.
Topology PublisherTopology();

// The exchange, the host's quorum queue with its dead-letter exchange and queue.
Topology HostTopology(std::string_view host);

}  // namespace kilonova::amqp
