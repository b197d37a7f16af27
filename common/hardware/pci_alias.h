// SPDX-License-Identifier: Apache-2.0
// Nova's [pci] alias: the names by which flavors ask for PCI devices, and what they stand for.
//
//   ASSIGN_OR_RETURN(const auto aliases, PciAliases::Parse({R"({"name": "gpu", ...})"}));
//   ASSIGN_OR_RETURN(request.pci_requests, aliases.RequestsFor("gpu:2,nic:1", policy));
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/hardware/pci_stats.h"

namespace kilonova::hardware {

inline constexpr std::string_view kPciAliasSpec = "pci_passthrough:alias";

class PciAliases {
 public:
  // Each text is a JSON object: name, and of vendor_id, product_id, device_type, capability_type
  // and numa_policy what is said. Several of one name are alternatives; they need one device_type
  // and one policy. CONFIG_INVALID, nova_exception PciInvalidAlias.
  static Expected<PciAliases> Parse(const std::vector<std::string>& texts);

  // The requests of an extra spec kPciAliasSpec, without ids: the same text gives the same ones. A
  // `policy` goes before the alias' own.
  // INVALID_ARGUMENT: nova_exception PciRequestAliasNotDefined, detail alias, for an unknown name;
  // ValueError for what is not name:count.
  Expected<std::vector<PciRequest>> RequestsFor(std::string_view alias_spec,
                                                PciNumaPolicy policy) const;

 private:
  struct Alias {
    PciNumaPolicy policy = PciNumaPolicy::kLegacy;
    std::vector<PciSpec> specs;
  };
  std::map<std::string, Alias, std::less<>> aliases_;
};

}  // namespace kilonova::hardware
