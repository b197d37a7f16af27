// SPDX-License-Identifier: Apache-2.0
// The text of a flavor's pci_passthrough:alias, "gpu:2, nic:1".
//
//   ASSIGN_OR_RETURN(const auto asked, ReadPciAliasSpec(text));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace kilonova::hardware {

inline constexpr std::size_t kMostPciAliases = 64;  // of one flavor

struct PciAliasAsked {
  std::string name;
  std::int64_t count = 0;
  friend bool operator==(const PciAliasAsked&, const PciAliasAsked&) = default;
};

// In its order. INVALID_ARGUMENT, nova_exception ValueError, for what is not alias:count with a
// count from 0 to 2^31 - 1, and for more than kMostPciAliases.
Expected<std::vector<PciAliasAsked>> ReadPciAliasSpec(std::string_view text);

// One piece, as Nova comes to it: it looks the name up before it reads the count.
struct PciAliasPiece {
  std::string name;
  std::string_view count;  // in the text that was read
};
Expected<PciAliasPiece> ReadPciAliasPiece(std::string_view piece);
Expected<std::int64_t> ReadPciAliasCount(const PciAliasPiece& piece);

}  // namespace kilonova::hardware
