// SPDX-License-Identifier: Apache-2.0
// Where the broker is and how to talk to it. Plain data; what reads configuration fills it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace kilonova::amqp {

// Files are PEM. An empty ca_file means the system's trust store. TLS 1.2 is the least.
struct TlsSettings {
  std::string ca_file, cert_file, key_file;
  // Two separate switches in the library, both needed: a valid certificate of somebody else's
  // machine is as bad as none.
  bool verify_peer = true;
  bool verify_hostname = true;
};

enum class LoginMethod {
  kPlain,     // user and password
  kExternal,  // SASL EXTERNAL: the TLS certificate says who we are
};

struct ConnectionSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5672;
  std::string vhost = "/";
  LoginMethod login = LoginMethod::kPlain;
  std::string user = "guest";
  std::string password = "guest";
  // Shown as connection_name in `rabbitmqctl list_connections client_properties`.
  std::string name = "kilonova";
  std::chrono::seconds heartbeat{20};
  // TCP, TLS and login together; also the longest any single call to the broker may take.
  std::chrono::milliseconds connect_deadline{10'000};
  std::chrono::milliseconds call_deadline{10'000};
  std::optional<TlsSettings> tls;
};

// amqp://user:password@host:port/vhost, percent-encoded; amqps:// turns TLS on (verified, system
// trust store). Everything but the host may be left out: port 5672 or 5671, user and password
// guest, vhost "/". CONFIG_INVALID otherwise; the message never repeats the password.
Expected<ConnectionSettings> ParseUrl(std::string_view url);

// "amqps://user@host:port/vhost", fit for logs.
std::string Describe(const ConnectionSettings& settings);

}  // namespace kilonova::amqp
