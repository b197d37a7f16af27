// SPDX-License-Identifier: Apache-2.0
// Lines of text as what makes a network, as addresses, and as the networks of a CIDR filter.
#include "scheduler/core/ipam.h"
#include "scheduler/filters/ip_network.h"
#include "tests/fuzz/require.h"

namespace {

using namespace kilonova::scheduler;  // NOLINT(google-build-using-namespace)
using kilonova::fuzz::NextLine;
using kilonova::fuzz::Require;

void CheckAddress(std::string_view text) {
  const auto parsed = core::ParseAddress(text);
  if (!parsed.ok()) return;
  Require(text.find('\0') == std::string_view::npos);
  const auto again = core::ParseAddress(core::FormatAddress(parsed->number, parsed->version));
  Require(again.ok() && again->number == parsed->number && again->version == parsed->version);
}

void CheckNetwork(const core::NetworkRecord& network) {
  const auto again = core::NormalizeNetwork(network);
  Require(again.ok() && *again == network);
  core::AddressPool pool(network);
  const auto first = pool.Take();
  if (network.addressing == core::AddressingKind::kDhcp) {
    Require(!first.ok());
    return;
  }
  Require(first.ok() && first->address != network.gateway && !pool.Mark(first->address));
  pool.Release(first->address);
  Require(pool.used() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = kilonova::fuzz::Text(data, size);
  core::NetworkRecord network;
  network.name = "net";
  network.source = "default";
  for (std::string* field :
       {&network.cidr, &network.gateway, &network.pool_start, &network.pool_end}) {
    *field = NextLine(rest);
    CheckAddress(*field);
    if (const auto cidr = filters::IpNetwork::Parse(*field)) {
      Require(cidr->prefix >= 0 && cidr->prefix <= cidr->address.bits);
      Require(cidr->Contains(cidr->address));
    }
  }
  while (!rest.empty()) network.dns_servers.emplace_back(NextLine(rest));
  if (const auto made = core::NormalizeNetwork(network); made.ok()) CheckNetwork(*made);
  return 0;
}
