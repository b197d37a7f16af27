// SPDX-License-Identifier: Apache-2.0
// What goes over the broker, without the library's types.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace kilonova::amqp {

using HeaderValue = std::variant<std::int64_t, std::string, bool>;
using Headers = std::map<std::string, HeaderValue, std::less<>>;

// Published persistent and mandatory, always.
struct Message {
  std::string exchange, routing_key, body;
  std::string content_type = "application/json";
  std::string content_encoding = "utf-8";
  std::uint8_t priority = 0;
  std::string expiration;  // milliseconds as text; "" = never
  Headers headers;
};

// Which delivery to settle. A token of a connection that is gone settles nothing: the broker has
// queued that message again already.
struct DeliveryToken {
  std::uint64_t session = 0;
  std::uint64_t tag = 0;
};

struct Delivery {
  DeliveryToken token;
  std::string exchange, routing_key, content_type;
  bool redelivered = false;
  // How often a quorum queue delivered this before without it being settled (x-delivery-count).
  std::int64_t delivery_count = 0;
  Headers headers;  // scalars only; nested tables and arrays are left out
  std::uint64_t body_size = 0;
  // Above the consumer's limit: `body` is empty, its bytes were read past and never kept.
  bool too_large = false;
  std::string body;
};

}  // namespace kilonova::amqp
