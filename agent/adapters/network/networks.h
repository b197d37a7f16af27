// SPDX-License-Identifier: Apache-2.0
// core::Networks on the kernel's list of interfaces; what libvirt knows comes through the
// Hypervisor port.
#pragma once

#include <filesystem>

#include "agent/core/hypervisor.h"
#include "agent/core/networks.h"

namespace kilonova::agent::adapters::network {

class Networks final : public core::Networks {
 public:
  // `hypervisor` outlives this. `interfaces` is where the kernel shows them; only tests say
  // another.
  explicit Networks(core::Hypervisor& hypervisor,
                    std::filesystem::path interfaces = "/sys/class/net")
      : hypervisor_(hypervisor), interfaces_(std::move(interfaces)) {}

  Status Check(const model::NicRequest& nic) override;
  // Takes away the port's tap only, and only one that nothing holds open: a tap in use belongs to a
  // guest that lives.
  Status Remove(const model::NicRequest& nic) override;

 private:
  Status CheckBridge(const std::string& bridge) const;

  core::Hypervisor& hypervisor_;
  const std::filesystem::path interfaces_;
};

}  // namespace kilonova::agent::adapters::network
