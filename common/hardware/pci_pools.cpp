// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pci_pools.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <set>
#include <string>
#include <variant>

#include "common/base/python_text.h"

namespace kilonova::hardware {
namespace {

using Pools = std::vector<std::size_t>;
using NumaNode = std::optional<std::int64_t>;
// Absent or None, a number, or a text.
using Value = std::variant<std::monostate, std::int64_t, std::string_view>;

Value TextValue(const std::optional<std::string>& text) {
  if (!text) return {};
  return std::string_view(*text);
}

Value Get(const PciDevicePool& pool, std::string_view key) {
  if (const auto tag = pool.tags.find(key); tag != pool.tags.end()) return TextValue(tag->second);
  if (key == "vendor_id") return std::string_view(pool.vendor_id);
  if (key == "product_id") return std::string_view(pool.product_id);
  if (key == "count") return pool.count;
  if (key == "numa_node" && pool.numa_node) return *pool.numa_node;
  return {};
}

// A request's text is never equal to a number.
bool Equal(const Value& have, const std::optional<std::string>& want) {
  if (!want) return std::holds_alternative<std::monostate>(have);
  const auto* text = std::get_if<std::string_view>(&have);
  return text != nullptr && absl::EqualsIgnoreCase({text->data(), text->size()}, *want);
}

bool IsOnNode(const PciDevicePool& pool, const NumaNode& node) {
  return Get(pool, "numa_node") == (node ? Value(*node) : Value());
}

std::int64_t CountIn(const std::vector<PciDevicePool>& pools, const Pools& chosen) {
  std::int64_t count = 0;
  for (const std::size_t i : chosen) count += pools[i].count;
  return count;
}

Pools OnNodes(const std::vector<PciDevicePool>& pools, Pools chosen,
              const std::vector<NumaNode>& nodes) {
  std::erase_if(chosen, [&](std::size_t i) {
    return std::ranges::none_of(nodes,
                                [&](const NumaNode& node) { return IsOnNode(pools[i], node); });
  });
  return chosen;
}

// On the sockets the guest's cells are on; none when the host does not say its sockets.
Pools OnSockets(const std::vector<PciDevicePool>& pools, Pools chosen,
                const PciAffinity& affinity) {
  if (affinity.host == nullptr) return {};
  const auto& cells = affinity.host->cells;
  if (std::ranges::any_of(cells, [](const auto& cell) { return !cell.socket; })) return {};
  std::set<std::int64_t> sockets;
  for (const auto& cell : cells) {
    if (std::ranges::find(affinity.cell_ids, cell.id) != affinity.cell_ids.end()) {
      sockets.insert(*cell.socket);
    }
  }
  std::vector<NumaNode> nodes;
  for (const auto& cell : cells) {
    if (sockets.contains(*cell.socket)) nodes.emplace_back(cell.id);
  }
  return OnNodes(pools, std::move(chosen), nodes);
}

Pools WithAffinity(const std::vector<PciDevicePool>& pools, Pools chosen, const PciRequest& request,
                   const PciAffinity& affinity) {
  if (affinity.cell_ids.empty()) return chosen;
  std::vector<NumaNode> nodes(affinity.cell_ids.begin(), affinity.cell_ids.end());
  // A nearer device is better whatever the policy allows.
  Pools near = OnNodes(pools, chosen, nodes);
  if (request.numa_policy == PciNumaPolicy::kRequired || CountIn(pools, near) >= request.count) {
    return near;
  }
  if (request.numa_policy == PciNumaPolicy::kSocket) {
    return OnSockets(pools, std::move(chosen), affinity);
  }
  nodes.emplace_back(std::nullopt);  // some hosts do not say where their devices are
  near = OnNodes(pools, chosen, nodes);
  if (request.numa_policy != PciNumaPolicy::kPreferred || CountIn(pools, near) >= request.count) {
    return near;
  }
  std::stable_partition(chosen.begin(), chosen.end(), [&](std::size_t i) {
    return std::ranges::any_of(nodes,
                               [&](const NumaNode& node) { return IsOnNode(pools[i], node); });
  });
  return chosen;
}

bool AsksForType(const PciRequest& request, std::string_view type) {
  return std::ranges::any_of(request.spec, [type](const PciSpec& spec) {
    const auto found = spec.find(kDeviceType);
    return found != spec.end() && found->second == type;
  });
}

bool IsRemoteManaged(const PciDevicePool& pool) {
  const Value value = Get(pool, kRemoteManaged);
  const auto* text = std::get_if<std::string_view>(&value);
  return text != nullptr && PyBool(*text);
}

bool AsksForRemoteManaged(const PciRequest& request) {
  return std::ranges::any_of(request.spec, [](const PciSpec& spec) {
    const auto found = spec.find(kRemoteManaged);
    return found != spec.end() && found->second && PyBool(*found->second);
  });
}

// Physical functions, vDPA and remote-managed devices go to those who ask for them.
void DropUnrequested(const std::vector<PciDevicePool>& pools, Pools& chosen,
                     const PciRequest& request) {
  for (const std::string_view type : {"type-PF", "vdpa"}) {
    if (AsksForType(request, type)) continue;
    std::erase_if(chosen, [&](std::size_t i) { return Get(pools[i], kDeviceType) == Value(type); });
  }
  if (AsksForRemoteManaged(request)) return;
  std::erase_if(chosen, [&](std::size_t i) { return IsRemoteManaged(pools[i]); });
}

}  // namespace

std::size_t Properties(const PciDevicePool& pool) {
  std::size_t count = 4;
  for (const auto& [name, value] : pool.tags) {
    const bool hides =
        name == "vendor_id" || name == "product_id" || name == "numa_node" || name == "count";
    count += hides ? 0 : 1;
  }
  return count;
}

bool MatchesSpec(const PciDevicePool& pool, const std::vector<PciSpec>& spec) {
  return std::ranges::any_of(spec, [&](const PciSpec& alternative) {
    return std::ranges::all_of(alternative, [&](const auto& wanted) {
      return Equal(Get(pool, wanted.first), wanted.second);
    });
  });
}

std::optional<Pools> UsablePools(const std::vector<PciDevicePool>& pools, const PciRequest& request,
                                 const PciAffinity& affinity) {
  Pools chosen;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (MatchesSpec(pools[i], request.spec)) chosen.push_back(i);
  }
  if (CountIn(pools, chosen) < request.count) return std::nullopt;
  chosen = WithAffinity(pools, std::move(chosen), request, affinity);
  DropUnrequested(pools, chosen, request);
  if (chosen.empty() || CountIn(pools, chosen) < request.count) return std::nullopt;
  return chosen;
}

}  // namespace kilonova::hardware
