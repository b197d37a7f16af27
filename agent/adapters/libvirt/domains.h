// SPDX-License-Identifier: Apache-2.0
// The calls on domains, one connection given, no threads and no deadlines. Internal to
// agent/adapters/libvirt.
#pragma once

#include <string>
#include <vector>

#include "agent/adapters/libvirt/handles.h"
#include "agent/adapters/libvirt/owners.h"
#include "agent/core/hypervisor.h"

namespace kilonova::agent::adapters::libvirt {

class Domains {
 public:
  Domains(virConnectPtr connect, Owners& owners, const std::string& host)
      : connect_(connect), owners_(owners), host_(host) {}

  Status Define(const std::string& xml);
  Status Start(const Uuid& uuid);
  Status Shutdown(const Uuid& uuid);
  Status Destroy(const Uuid& uuid);
  Status Undefine(const Uuid& uuid);
  Expected<core::DomainInfo> State(const Uuid& uuid);
  Expected<core::HeldDevices> DevicesOf(const Uuid& uuid);
  Expected<std::vector<core::DomainInfo>> List();
  // Whether the domain carries this host's tag; false when it is gone.
  bool IsOurs(const Uuid& uuid);
  // Reads the domain's tag anew; nothing when it is gone.
  void RefreshOwner(const Uuid& uuid);

 private:
  // DOMAIN_NOT_FOUND when it is not there, HYPERVISOR_REFUSED when it is not ours.
  Expected<DomainHandle> Find(const Uuid& uuid);
  Expected<core::DomainInfo> Describe(virDomainPtr domain, const Uuid& uuid, core::OwnerTag tag);

  virConnectPtr connect_;
  Owners& owners_;
  const std::string& host_;
};

}  // namespace kilonova::agent::adapters::libvirt
