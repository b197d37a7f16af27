// SPDX-License-Identifier: Apache-2.0
// What libvirt's capabilities documents say, read. Bounded: at most 4 MiB and 64 levels deep.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/hypervisor.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::libvirt {

struct Capabilities {
  std::string arch, cpu_model, cpu_vendor;  // the host's own CPU
  std::vector<std::string> cpu_features;
  int sockets = 0, cores = 0, threads = 0;
  // [arch, "kvm" or "qemu", "hvm"]: Nova's form and order.
  std::vector<std::vector<std::string>> supported_instances;
  std::string host_uuid;
  std::vector<core::HostCell> cells;
  std::set<std::string> machine_types;  // of every guest, aliases among them
  // By guest architecture: machine type to its canonical name, and the aliases alone.
  std::map<std::string, std::map<std::string, std::string>> canonical_machines;
  std::map<std::string, std::set<std::string>> machine_aliases;
  bool HasKvm(const std::string& for_arch) const;
};

// The host-model CPU of one emulator: what guests get.
struct GuestCpu {
  bool host_model = false;
  std::string model, vendor;
  std::vector<std::string> require;  // features beyond the model
  std::string as_cpu_xml;            // <cpu> for virConnectBaselineHypervisorCPU
};

// What one machine type can do, and whether libvirt offers AMD's SEV.
Expected<core::MachineCapabilities> ParseMachineCapabilities(std::string_view xml);

Expected<Capabilities> ParseCapabilities(std::string_view xml);
Expected<GuestCpu> ParseDomainCapabilities(std::string_view xml);
// The feature names of a <cpu> document, sorted.
Expected<std::vector<std::string>> ParseCpuFeatures(std::string_view xml);
// The owner's tag: <owner> in Kilonova's namespace, as libvirt gives it back. INVALID_ARGUMENT when
// it is not one.
Expected<core::OwnerTag> ParseOwnerTag(std::string_view xml);

}  // namespace kilonova::agent::adapters::libvirt
