// SPDX-License-Identifier: Apache-2.0
// Which pools of PCI devices can serve one request. Internal to common/hardware.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "common/hardware/pci_stats.h"

namespace kilonova::hardware {

// Indices of the pools, in the order they are taken from; nothing when together they have not
// enough.
std::optional<std::vector<std::size_t>> UsablePools(const std::vector<PciDevicePool>& pools,
                                                    const PciRequest& request,
                                                    const PciAffinity& affinity);

// A pool has all the properties of one of the alternatives.
bool MatchesSpec(const PciDevicePool& pool, const std::vector<PciSpec>& spec);

// How many properties a pool has as Nova's dictionary; tags may take the names of fields.
std::size_t Properties(const PciDevicePool& pool);

inline constexpr std::string_view kDeviceType = "dev_type";
inline constexpr std::string_view kRemoteManaged = "remote_managed";

}  // namespace kilonova::hardware
