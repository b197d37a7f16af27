// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pci_alias_spec.h"

#include "common/base/python_text.h"
#include "common/hardware/errors.h"
#include "common/hardware/pci_alias.h"

namespace kilonova::hardware {
namespace {

Status Malformed(std::string_view what) {
  return FlavorRefused("ValueError", kPciAliasSpec,
                       "not alias:count: " + std::string(what.substr(0, 256)));
}

}  // namespace

Expected<PciAliasPiece> ReadPciAliasPiece(std::string_view piece) {
  const std::size_t colon = piece.find(':');
  if (colon == std::string_view::npos || piece.find(':', colon + 1) != std::string_view::npos) {
    return Malformed(piece);
  }
  return PciAliasPiece{std::string(PyStrip(piece.substr(0, colon))), piece.substr(colon + 1)};
}

Expected<std::int64_t> ReadPciAliasCount(const PciAliasPiece& piece) {
  const auto count = PyInt(piece.count);
  if (!count || *count < 0 || *count > INT32_MAX) {
    return Malformed(piece.name + ":" + std::string(piece.count));
  }
  return *count;
}

Expected<std::vector<PciAliasAsked>> ReadPciAliasSpec(std::string_view text) {
  std::vector<PciAliasAsked> asked;
  for (const std::string_view each : PySplitComma(text)) {
    ASSIGN_OR_RETURN(PciAliasPiece piece, ReadPciAliasPiece(each));
    ASSIGN_OR_RETURN(const std::int64_t count, ReadPciAliasCount(piece));
    if (asked.size() == kMostPciAliases) {
      return FlavorRefused("ValueError", kPciAliasSpec, "names more than 64 aliases");
    }
    asked.push_back({std::move(piece.name), count});
  }
  return asked;
}

}  // namespace kilonova::hardware
