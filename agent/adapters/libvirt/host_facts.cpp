// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/host_facts.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "agent/adapters/libvirt/capabilities.h"
#include "agent/adapters/libvirt/errors.h"
#include "agent/adapters/libvirt/guest_capabilities.h"
#include "agent/adapters/libvirt/hypervisor.h"
#include "agent/adapters/libvirt/mdevs.h"
#include "agent/adapters/libvirt/node_devices.h"
#include "common/base/log.h"
#include "common/base/program.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

bool CpuShowsVirtualization() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    line += ' ';
    return line.find(" vmx ") != std::string::npos || line.find(" svm ") != std::string::npos;
  }
  return false;
}

bool KvmOpens() {
  const int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  close(fd);
  return true;
}

// The features of the CPU guests get: the model's own and those beyond it.
void FillCpu(virConnectPtr connect, const Capabilities& host, core::HostFacts& facts) {
  facts.cpu_model = host.cpu_model;
  facts.cpu_vendor = host.cpu_vendor;
  facts.cpu_features = host.cpu_features;
  char* text = virConnectGetDomainCapabilities(connect, nullptr, facts.arch.c_str(), nullptr,
                                               facts.virt_type.c_str(), 0);
  if (text == nullptr) return;  // the test driver, and hosts too old: the host's CPU will do
  const auto guest = ParseDomainCapabilities(TakeText(text));
  if (!guest.ok() || !guest->host_model) return;
  facts.cpu_model = guest->model;
  facts.cpu_vendor = guest->vendor;
  facts.cpu_features = guest->require;
  const char* cpus[] = {guest->as_cpu_xml.c_str()};
  char* full = virConnectBaselineHypervisorCPU(connect, nullptr, facts.arch.c_str(), nullptr,
                                               facts.virt_type.c_str(), cpus, 1,
                                               VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES);
  if (full == nullptr) {
    LogDebug("libvirt does not expand the CPU model", {F("status", LastError("baseline"))});
    return;
  }
  const auto features = ParseCpuFeatures(TakeText(full));
  if (features.ok()) facts.cpu_features = *features;
}

}  // namespace

std::string DetectVirtType() { return KvmOpens() && CpuShowsVirtualization() ? "kvm" : "qemu"; }

Expected<core::HostFacts> ReadHostFacts(virConnectPtr connect, const Options& options) {
  const std::string& virt_type = options.virt_type;
  char* text = virConnectGetCapabilities(connect);
  if (text == nullptr) return LastError("reading the host's capabilities failed");
  ASSIGN_OR_RETURN(auto host, ParseCapabilities(TakeText(text)));
  core::HostFacts facts;
  facts.arch = host.arch;
  facts.virt_type = virt_type == "auto" ? DetectVirtType() : virt_type;
  if (facts.virt_type == "kvm" && virt_type == "auto" && !host.HasKvm(host.arch)) {
    facts.virt_type = "qemu";
  }
  if (virt_type == "auto" && facts.virt_type == "qemu") {
    LogWarn("KVM cannot be used here: guests are emulated and slow");
  }
  // A kvm guest type that cannot start is not offered.
  for (auto& triple : host.supported_instances) {
    if (triple[1] != "kvm" || facts.virt_type == "kvm") {
      facts.supported_instances.push_back(std::move(triple));
    }
  }
  virNodeInfo node{};
  if (virNodeGetInfo(connect, &node) < 0) return LastError("reading the host's size failed");
  facts.cpus = node.cpus;
  facts.memory_mb = static_cast<std::int64_t>(node.memory / 1024);
  facts.sockets = host.sockets > 0 ? host.sockets : static_cast<int>(node.sockets);
  facts.cores = host.cores > 0 ? host.cores : static_cast<int>(node.cores);
  facts.threads = host.threads > 0 ? host.threads : static_cast<int>(node.threads);
  unsigned long version = 0;
  if (virConnectGetVersion(connect, &version) == 0) {
    facts.hypervisor_version = static_cast<std::int64_t>(version);
  }
  if (virConnectGetLibVersion(connect, &version) == 0) {
    facts.libvirt_version = static_cast<std::int64_t>(version);
  }
  facts.hostname = TakeText(virConnectGetHostname(connect));
  FillCpu(connect, host, facts);
  facts.guests = ReadGuestCapabilities(connect, host, facts.virt_type, options);
  if (!host.cells.empty()) facts.cells = static_cast<int>(host.cells.size());
  if (const auto& pci = options.pci_device_specs; pci != nullptr && !pci->Empty()) {
    ASSIGN_OR_RETURN(facts.pci_devices, ListPciDevices(connect, *pci));
  }
  if (options.mdevs) {
    ASSIGN_OR_RETURN(facts.mdevs, ListMdevs(connect));
  }
  facts.swtpm = FindProgram("swtpm").has_value() && FindProgram("swtpm_setup").has_value();
  return facts;
}

}  // namespace kilonova::agent::adapters::libvirt
