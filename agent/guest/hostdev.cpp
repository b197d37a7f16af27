// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/context.h"
#include "agent/guest/refusal.h"
#include "agent/guest/vif.h"

namespace kilonova::agent::guest {
namespace {

// Devices whose memory the guest shares with the host need the IOMMU driver when it is encrypted.
struct UseIommu {
  void operator()(DiskDevice& disk) const { disk.iommu = disk.bus == "virtio"; }
  void operator()(InterfaceDevice& nic) const { nic.iommu = nic.model == "virtio"; }
  void operator()(VideoDevice& video) const { video.iommu = video.model == "virtio"; }
  void operator()(ControllerDevice& controller) const {
    controller.iommu = controller.model == "virtio-scsi" || controller.type == "virtio-serial";
  }
  void operator()(RngDevice& rng) const { rng.iommu = true; }
  void operator()(BalloonDevice& balloon) const { balloon.iommu = true; }
  template <class Other>
  void operator()(Other&) const {}
};

}  // namespace

Status DescribePciDevices(const Context& context, Domain& domain) {
  for (const std::string& device : context.input.pci_devices) {
    ASSIGN_OR_RETURN(const PciAddress address, ParsePciAddress(device));
    domain.devices.emplace_back(HostPciDevice{address});
  }
  return OkStatus();
}

void DescribeMdevs(const Context& context, Domain& domain) {
  for (const std::string& uuid : context.input.mdevs) domain.devices.emplace_back(MdevDevice{uuid});
}

Status DescribeSev(const Context& context, Domain& domain) {
  if (!context.sev) return OkStatus();
  const auto at = context.host.machines.find(context.machine);
  if (at == context.host.machines.end() || !at->second.sev) {
    return Refuse(reason::kFeatureNotServed, "MissingDomainCapabilityFeatureException",
                  "the machine type cannot encrypt memory", {{"key", "hw:mem_encryption"}});
  }
  for (Device& device : domain.devices) std::visit(UseIommu{}, device);
  domain.sev = at->second.sev;
  return OkStatus();
}

void DescribeVpmems(const Context& context, Domain& domain) {
  if (context.input.vpmems.empty()) return;
  domain.max_memory_kib = domain.memory_kib;
  for (const Vpmem& vpmem : context.input.vpmems) {
    const std::int64_t size_kib = vpmem.size_bytes / 1024;
    *domain.max_memory_kib += size_kib;
    ++domain.memory_slots;
    domain.devices.emplace_back(VpmemDevice{vpmem.device_path, size_kib, vpmem.align_bytes / 1024});
  }
}

}  // namespace kilonova::agent::guest
