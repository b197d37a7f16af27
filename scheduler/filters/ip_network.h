// SPDX-License-Identifier: Apache-2.0
// Addresses and networks as Python's netaddr 0.8 reads them, which Nova leans on: "10.0.0.1/24",
// "10.1/255.255.0.0", "2001:db8::/32"; a host's address even as "10.1" or "0x0a000001".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace kilonova::scheduler::filters {

struct IpAddress {
  int bits = 0;  // 32 or 128
  std::array<std::uint8_t, 16> bytes{};

  // Nothing for what is no address.
  static std::optional<IpAddress> Parse(const std::string& text);
};

struct IpNetwork {
  IpAddress address;
  int prefix = 0;

  // Nothing for what is no network. The address may have host bits.
  static std::optional<IpNetwork> Parse(const std::string& text);
  bool Contains(const IpAddress& address) const;  // never of the other version
};

}  // namespace kilonova::scheduler::filters
