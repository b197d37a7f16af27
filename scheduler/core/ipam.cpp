// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/ipam.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

Status Invalid(std::string_view field, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kNetworkInvalid, message,
               {{"field", std::string(field)}});
}

struct Cidr {
  AddressNumber network = 0, last = 0;
  int version = 4, prefix = 0;
};

Expected<Cidr> ParseCidr(const std::string& text) {
  const auto slash = text.find('/');
  int prefix = -1;
  if (slash != std::string::npos) {
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + slash + 1, end, prefix);
    if (error != std::errc() || at != end) prefix = -1;
  }
  const auto address = ParseAddress(std::string_view(text).substr(0, std::min(slash, text.size())));
  if (!address.ok() || prefix < 0) return Invalid("cidr", "cidr must look like 10.20.0.0/24");
  const int bits = address->version == 4 ? 32 : 128;
  // Smaller networks have no host, larger ones are a mistake.
  if (prefix < (address->version == 4 ? 8 : 48) || prefix > bits - 2) {
    return Invalid("cidr", address->version == 4 ? "prefix of the cidr must be 8 to 30"
                                                 : "prefix of the cidr must be 48 to 126");
  }
  const AddressNumber hosts = (static_cast<AddressNumber>(1) << (bits - prefix)) - 1;
  if ((address->number & hosts) != 0) {
    return Invalid("cidr", "cidr must not have host bits set");
  }
  return Cidr{address->number, address->number | hosts, address->version, prefix};
}

Status CheckAttachment(const NetworkRecord& n) {
  const bool bridge = n.kind == model::NetworkKind::kBridge;
  const std::string_view field = bridge ? "bridge" : "libvirt_network";
  const std::size_t most = bridge ? 15 : 50;
  const bool good = std::ranges::all_of(n.source, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  if (n.source.empty() || n.source.size() > most || !good || n.source == "." || n.source == "..") {
    return Invalid(field, bridge ? "bridge must be 1 to 15 of [A-Za-z0-9._-]"
                                 : "libvirt_network must be 1 to 50 of [A-Za-z0-9._-]");
  }
  return OkStatus();
}

// Reads `text` into `number` when set; it must be a host address of `cidr`.
Status HostAddress(std::string_view field, std::string& text, const Cidr& cidr,
                   AddressNumber& number) {
  if (text.empty()) return OkStatus();
  const auto parsed = ParseAddress(text);
  if (!parsed.ok() || parsed->version != cidr.version) {
    return Invalid(field, std::string(field) + " is not an address of the cidr's kind");
  }
  const bool v4 = cidr.version == 4;
  if (parsed->number <= cidr.network || parsed->number > cidr.last ||
      (v4 && parsed->number == cidr.last)) {
    return Invalid(field, std::string(field) + " is not a host address within the cidr");
  }
  number = parsed->number;
  text = FormatAddress(number, cidr.version);
  return OkStatus();
}

}  // namespace

Expected<ParsedAddress> ParseAddress(std::string_view text) {
  const std::string copy(text);
  std::array<unsigned char, 16> bytes{};
  ParsedAddress parsed;
  std::size_t size = 4;
  // inet_pton would not see what is behind a NUL.
  const bool whole = text.find('\0') == std::string_view::npos;
  if (!whole || inet_pton(AF_INET, copy.c_str(), bytes.data()) != 1) {
    if (!whole || inet_pton(AF_INET6, copy.c_str(), bytes.data()) != 1) {
      return Error(Code::kInvalidArgument, reason::kNetworkInvalid, "not an IP address");
    }
    parsed.version = 6;
    size = 16;
  }
  for (std::size_t i = 0; i < size; ++i) parsed.number = (parsed.number << 8) | bytes[i];
  return parsed;
}

std::string FormatAddress(AddressNumber number, int version) {
  std::array<unsigned char, 16> bytes{};
  const std::size_t size = version == 4 ? 4 : 16;
  for (std::size_t i = size; i-- > 0; number >>= 8) {
    bytes[i] = static_cast<unsigned char>(number & 0xFF);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(version == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

Expected<NetworkRecord> NormalizeNetwork(NetworkRecord n) {
  if (const Status name = CheckText("name", n.name, 1, 255); !name.ok()) {
    return Invalid("name", Message(name));
  }
  RETURN_IF_ERROR(CheckAttachment(n));
  if (n.mtu == 0) n.mtu = 1500;
  if (n.mtu < 576 || n.mtu > 65535) return Invalid("mtu", "mtu must be 576 to 65535");
  if (n.dns_servers.size() > 5) return Invalid("dns_servers", "at most 5 dns_servers");
  for (std::string& server : n.dns_servers) {
    const auto parsed = ParseAddress(server);
    if (!parsed.ok()) return Invalid("dns_servers", "a dns server is not an IP address");
    server = FormatAddress(parsed->number, parsed->version);
  }
  if (n.addressing == AddressingKind::kDhcp) {
    if (n.cidr.empty() && n.gateway.empty() && n.pool_start.empty() && n.pool_end.empty()) return n;
    return Invalid("cidr", "a network with DHCP takes no cidr, gateway or pool");
  }
  ASSIGN_OR_RETURN(const Cidr cidr, ParseCidr(n.cidr));
  n.cidr = FormatAddress(cidr.network, cidr.version) + "/" + std::to_string(cidr.prefix);
  AddressNumber gateway = 0, start = 0, end = 0;
  RETURN_IF_ERROR(HostAddress("gateway", n.gateway, cidr, gateway));
  RETURN_IF_ERROR(HostAddress("pool_start", n.pool_start, cidr, start));
  RETURN_IF_ERROR(HostAddress("pool_end", n.pool_end, cidr, end));
  const AddressNumber highest = cidr.version == 4 ? cidr.last - 1 : cidr.last;
  if (start == 0) start = gateway != 0 && gateway < highest ? gateway + 1 : cidr.network + 1;
  if (end == 0) end = highest;
  if (start > end) return Invalid("pool_start", "pool_start is behind pool_end");
  if (start == end && start == gateway) return Invalid("pool_start", "the pool has no address");
  n.pool_start = FormatAddress(start, cidr.version);
  n.pool_end = FormatAddress(end, cidr.version);
  return n;
}

AddressPool::AddressPool(const NetworkRecord& network) : name_(network.name) {
  if (network.addressing != AddressingKind::kIpam) return;
  const auto cidr = ParseCidr(network.cidr);
  const auto first = ParseAddress(network.pool_start);
  const auto last = ParseAddress(network.pool_end);
  if (!cidr.ok() || !first.ok() || !last.ok()) return;
  version_ = cidr->version;
  prefix_ = cidr->prefix;
  first_ = next_ = first->number;
  last_ = last->number;
  gateway_text_ = network.gateway;
  if (const auto gateway = ParseAddress(network.gateway); gateway.ok()) gateway_ = gateway->number;
}

Expected<model::FixedIp> AddressPool::Take() {
  while (next_ <= last_ && (used_.contains(next_) || next_ == gateway_)) ++next_;
  if (next_ > last_) {
    return Error(Code::kResourceExhausted, reason::kNetworkAddressesExhausted,
                 "no free address is left on network " + name_);
  }
  const AddressNumber number = next_++;
  used_.insert(number);
  return model::FixedIp{FormatAddress(number, version_), prefix_, gateway_text_, version_};
}

bool AddressPool::Mark(std::string_view address) {
  const auto parsed = ParseAddress(address);
  return parsed.ok() && used_.insert(parsed->number).second;
}

void AddressPool::Release(const std::string& address) {
  const auto parsed = ParseAddress(address);
  if (!parsed.ok() || used_.erase(parsed->number) == 0) return;
  if (parsed->number >= first_ && parsed->number < next_) next_ = parsed->number;
}

}  // namespace kilonova::scheduler::core
