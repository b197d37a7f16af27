// SPDX-License-Identifier: Apache-2.0
// Addresses of one network: which are in use, which is the first free. Not thread-safe; the
// conductor guards it.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "scheduler/core/records.h"

namespace kilonova::scheduler::core {

// An IPv4 or IPv6 address as a number.
__extension__ typedef unsigned __int128 AddressNumber;

struct ParsedAddress {
  AddressNumber number = 0;
  int version = 4;
};
Expected<ParsedAddress> ParseAddress(std::string_view text);
std::string FormatAddress(AddressNumber number, int version);

// Checks what NetworkService.CreateNetwork says and fills in the defaults: mtu, pool_start and
// pool_end, addresses in canonical form. NETWORK_INVALID with detail "field".
Expected<NetworkRecord> NormalizeNetwork(NetworkRecord network);

class AddressPool {
 public:
  AddressPool() = default;  // hands out nothing: DHCP
  // `network` as NormalizeNetwork left it.
  explicit AddressPool(const NetworkRecord& network);

  // The lowest free address. RESOURCE_EXHAUSTED/NETWORK_ADDRESSES_EXHAUSTED.
  Expected<model::FixedIp> Take();
  // For what the database says. False when it was in use already.
  bool Mark(std::string_view address);
  void Release(const std::string& address);
  void Reserve(std::size_t addresses) { used_.reserve(addresses); }
  std::size_t used() const { return used_.size(); }

 private:
  struct Hash {
    std::size_t operator()(AddressNumber n) const {
      return absl::Hash<std::pair<std::uint64_t, std::uint64_t>>{}(
          {static_cast<std::uint64_t>(n >> 64), static_cast<std::uint64_t>(n)});
    }
  };
  AddressNumber first_ = 1, last_ = 0, gateway_ = 0;
  AddressNumber next_ = 1;  // no free address below it
  int version_ = 4, prefix_ = 0;
  std::string gateway_text_, name_;
  absl::flat_hash_set<AddressNumber, Hash> used_;
};

}  // namespace kilonova::scheduler::core
