// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/ip_network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "common/base/python_text.h"

namespace kilonova::scheduler::filters {
namespace {

bool HasNul(const std::string& text) { return text.find('\0') != std::string::npos; }

// Exactly four decimal numbers, or IPv6.
std::optional<IpAddress> ParseStrict(const std::string& text, int bits) {
  if (HasNul(text)) return std::nullopt;
  IpAddress address{.bits = bits};
  const int family = bits == 32 ? AF_INET : AF_INET6;
  if (inet_pton(family, text.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

// "10.1" is 10.1.0.0 where a network is meant.
std::optional<IpAddress> ParsePartial(const std::string& text) {
  if (text.find(':') != std::string::npos) return std::nullopt;
  std::string full;
  std::string_view rest = text;
  int numbers = 0;
  for (;; ++numbers) {
    const std::size_t dot = rest.find('.');
    const auto number = PyInt(rest.substr(0, dot));
    if (!number || numbers == 4) return std::nullopt;
    full += (full.empty() ? "" : ".") + std::to_string(*number);
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  for (++numbers; numbers < 4; ++numbers) full += ".0";
  return ParseStrict(full, 32);
}

bool BitAt(const IpAddress& address, int bit) {
  return (address.bytes[static_cast<std::size_t>(bit / 8)] >> static_cast<unsigned>(7 - bit % 8)) &
         1U;
}

// The prefix a mask of ones before zeros stands for, or one of zeros before ones.
std::optional<int> PrefixOf(const IpAddress& mask) {
  const bool first = BitAt(mask, 0);
  int same = 1;
  while (same < mask.bits && BitAt(mask, same) == first) ++same;
  for (int bit = same; bit < mask.bits; ++bit) {
    if (BitAt(mask, bit) == first) return std::nullopt;
  }
  // All zeros are a netmask before they are a hostmask.
  return !first && same == mask.bits ? 0 : same;
}

std::optional<IpNetwork> ParseVersion(const std::string& address, const std::string* prefix,
                                      int bits) {
  auto parsed = ParseStrict(address, bits);
  if (!parsed && bits == 32) parsed = ParsePartial(address);
  if (!parsed) return std::nullopt;
  if (prefix == nullptr) return IpNetwork{*parsed, bits};
  if (const auto number = PyInt(*prefix)) {
    if (*number < 0 || *number > bits) return std::nullopt;
    return IpNetwork{*parsed, static_cast<int>(*number)};
  }
  const auto mask = ParseStrict(*prefix, bits);
  const auto length = mask ? PrefixOf(*mask) : std::nullopt;
  if (!length) return std::nullopt;
  return IpNetwork{*parsed, *length};
}

}  // namespace

std::optional<IpAddress> IpAddress::Parse(const std::string& text) {
  if (HasNul(text) || text.find('/') != std::string::npos) return std::nullopt;
  IpAddress address{.bits = 32};
  in_addr v4{};
  if (inet_aton(text.c_str(), &v4) != 0) {
    std::memcpy(address.bytes.data(), &v4, sizeof(v4));
    return address;
  }
  return ParseStrict(text, 128);
}

std::optional<IpNetwork> IpNetwork::Parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  const std::string prefix = slash == std::string::npos ? "" : text.substr(slash + 1);
  const std::string* given = slash == std::string::npos ? nullptr : &prefix;
  if (const auto network = ParseVersion(address, given, 32)) return network;
  return ParseVersion(address, given, 128);
}

bool IpNetwork::Contains(const IpAddress& other) const {
  if (other.bits != address.bits) return false;
  for (int bit = 0; bit < prefix; ++bit) {
    if (BitAt(address, bit) != BitAt(other, bit)) return false;
  }
  return true;
}

}  // namespace kilonova::scheduler::filters
