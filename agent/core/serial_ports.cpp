// SPDX-License-Identifier: Apache-2.0
#include "agent/core/serial_ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace kilonova::agent::core {
namespace {

struct Address {
  sockaddr_storage storage = {};
  socklen_t length = 0;
};

std::optional<Address> Resolve(const std::string& text, int port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<std::uint16_t>(port));
    address.length = sizeof *v4;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(port));
    address.length = sizeof *v6;
  } else {
    return std::nullopt;
  }
  return address;
}

}  // namespace

bool CanListen(const std::string& text, int port) {
  const auto address = Resolve(text, port);
  if (!address) return false;
  const int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  // As QEMU does: what is left of former connections is in nobody's way.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound =
      bind(fd, reinterpret_cast<const sockaddr*>(&address->storage), address->length) == 0;
  close(fd);
  return bound;
}

Expected<std::vector<int>> TakeSerialPorts(const SerialConsoleSettings& settings,
                                           HostClaims& claims, const Uuid& instance, int count) {
  std::vector<int> ports = claims.PortsOf(instance);
  const auto wanted = static_cast<std::size_t>(std::max(count, 0));
  for (std::size_t i = wanted; i < ports.size(); ++i) claims.DropPort(instance, ports[i]);
  if (ports.size() > wanted) ports.resize(wanted);
  std::vector<int> taken;
  for (int port = settings.first_port;
       port < settings.end_port && ports.size() + taken.size() < wanted; ++port) {
    if (!claims.TakePort(instance, port)) continue;
    // Asked only once it is nobody else's, so that no lock is held over it.
    if (CanListen(settings.proxyclient_address, port)) {
      taken.push_back(port);
    } else {
      claims.DropPort(instance, port);
    }
  }
  if (ports.size() + taken.size() < wanted) {
    for (const int port : taken) claims.DropPort(instance, port);
    return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                 "no TCP ports are left for serial consoles on this host",
                 {{"class", "serial_console.port_range"},
                  {"need", std::to_string(wanted)},
                  {"free", std::to_string(ports.size() + taken.size())}});
  }
  ports.insert(ports.end(), taken.begin(), taken.end());
  std::ranges::sort(ports);
  return ports;
}

std::vector<std::string> SerialConsoles(const SerialConsoleSettings& settings,
                                        const std::vector<int>& ports) {
  std::vector<std::string> consoles;
  if (!settings.enabled) return consoles;
  const std::string& address = settings.proxyclient_address;
  const bool v6 = address.find(':') != std::string::npos;
  for (const int port : ports) {
    consoles.push_back((v6 ? "[" + address + "]:" : address + ":") + std::to_string(port));
  }
  return consoles;
}

}  // namespace kilonova::agent::core
