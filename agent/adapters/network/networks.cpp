// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/network/networks.h"

#include <fstream>

#include "agent/adapters/network/tap.h"

namespace kilonova::agent::adapters::network {
namespace {

constexpr std::size_t kPortIdInName = 11;  // as libvirt is told: "tap" + port_id[0:11]
constexpr unsigned kUp = 0x1;              // IFF_UP

Status Missing(std::string_view message, const std::string& name) {
  return Error(Code::kFailedPrecondition, reason::kHostNetworkMissing, message,
               {{kOperatorDetail, name}});
}

// A name that is one path component, as the kernel's names are.
bool IsInterfaceName(const std::string& name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         name.find('/') == std::string::npos;
}

}  // namespace

Status Networks::CheckBridge(const std::string& bridge) const {
  if (!IsInterfaceName(bridge)) return Missing("the network names no usable bridge", bridge);
  const auto folder = interfaces_ / bridge;
  std::error_code error;
  if (!std::filesystem::exists(folder / "bridge", error)) {
    return Missing("the network's bridge does not exist on this host", bridge);
  }
  std::ifstream file(folder / "flags");
  unsigned flags = 0;
  file >> std::hex >> flags;
  if (!file || (flags & kUp) == 0) {
    return Missing("the network's bridge is down on this host", bridge);
  }
  return OkStatus();
}

Status Networks::Check(const model::NicRequest& nic) {
  if (nic.kind == model::NetworkKind::kBridge) return CheckBridge(nic.source);
  // Active is enough: libvirt holds the network's bridge, perhaps where only it can see.
  return hypervisor_.NetworkBridge(nic.source).status();
}

Status Networks::Remove(const model::NicRequest& nic) {
  if (nic.port_id.empty()) return OkStatus();
  const std::string tap = "tap" + nic.port_id.str().substr(0, kPortIdInName);
  std::error_code error;
  // Only a tun or tap has this file; anything else of that name is not libvirt's doing.
  if (!std::filesystem::exists(interfaces_ / tap / "tun_flags", error)) return OkStatus();
  return DeleteTap(tap);
}

}  // namespace kilonova::agent::adapters::network
