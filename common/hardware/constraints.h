// SPDX-License-Identifier: Apache-2.0
// What a flavor and an image together ask of hardware, as nova.virt.hardware reads them.
//
//   ASSIGN_OR_RETURN(const ImageProps image, ImageProps::From(request.image.properties));
//   const GuestNeeds needs{.flavor = request.flavor, .image = image};
//   ASSIGN_OR_RETURN(const auto numa, NumaConstraints(needs));  // nothing: no NUMA topology
//
// Every refusal is INVALID_ARGUMENT with a nova_exception (errors.h). Pure and thread safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/hardware/image_props.h"
#include "common/hardware/pci_stats.h"
#include "common/hardware/topology.h"
#include "common/model/flavor.h"

namespace kilonova::hardware {

// A view: flavor and image outlive it. Texts for messages may stay empty.
struct GuestNeeds {
  const model::Flavor& flavor;
  const ImageProps& image;
  std::string_view image_name = {};
  // Nova fails with NotImplementedError when it needs the id of an image without one.
  bool image_has_id = true;
};

// The guest's NUMA topology, every cell unfitted; nothing when neither pinning, huge pages, vPMEM
// nor NUMA nodes are asked for. All checks below that concern CPUs and memory are part of it.
Expected<std::optional<InstanceNumaTopology>> NumaConstraints(const GuestNeeds& needs);

// What Nova's API refuses of a flavor and an image before it looks at NUMA, in its order: memory
// encryption, PMU, serial ports, real-time CPUs, CPU topology, queues of interfaces.
Status CheckFlavorWithImage(const GuestNeeds& needs);  // flavor_with_image.cpp

// constraints_cpu.cpp
Expected<CpuPolicy> CpuPolicyConstraint(const GuestNeeds& needs);
Expected<CpuThreadPolicy> CpuThreadPolicyConstraint(const GuestNeeds& needs);
Expected<EmulatorThreadsPolicy> EmulatorThreadsPolicyConstraint(const GuestNeeds& needs);
Expected<std::optional<CpuSet>> DedicatedCpuConstraint(const GuestNeeds& needs);
Expected<std::optional<CpuSet>> RealtimeCpuConstraint(const GuestNeeds& needs);
bool RealtimeEnabled(const GuestNeeds& needs);

// constraints_memory.cpp
// KiB or one of the wishes; 0 and nothing both mean: not asked for.
Expected<std::optional<std::int64_t>> PageSizeConstraint(const GuestNeeds& needs);
Expected<std::optional<bool>> LockedMemoryConstraint(const GuestNeeds& needs);
// `machine_type`: the host's choice where it is known; else the image's counts.
Expected<bool> MemEncryptionConstraint(const GuestNeeds& needs,
                                       std::optional<std::string_view> machine_type = {});
std::vector<std::string> Vpmems(const GuestNeeds& needs);  // labels, in the flavor's order

// constraints_devices.cpp
Expected<PciNumaPolicy> PciNumaPolicyConstraint(const GuestNeeds& needs);
Expected<std::optional<bool>> PmuConstraint(const GuestNeeds& needs);  // nothing: the hypervisor's
Expected<bool> VifMultiqueueConstraint(const GuestNeeds& needs);
struct VtpmConfig {
  std::string version;  // "1.2", "2.0"
  std::string model;    // "tpm-tis", "tpm-crb"

  friend bool operator==(const VtpmConfig&, const VtpmConfig&) = default;
};
Expected<std::optional<VtpmConfig>> VtpmConstraint(const GuestNeeds& needs);
// "required", "optional", "disabled"
Expected<std::optional<std::string>> SecureBootConstraint(const GuestNeeds& needs);
Expected<std::int64_t> NumberOfSerialPorts(const GuestNeeds& needs);

// cpu_topology.cpp
struct CpuTopologyConstraints {
  CpuTopology preferred;  // 0: no wish
  CpuTopology maximum;    // 65536: no limit
};
Expected<CpuTopologyConstraints> GetCpuTopologyConstraints(const GuestNeeds& needs);
// Whether the hypervisor can give its guests threads; libvirt's can.
enum class GuestThreads { kAllowed, kForbidden };
// All that multiply to `vcpus` within `maximum`: fewest threads first, then most sockets.
Expected<std::vector<CpuTopology>> PossibleCpuTopologies(
    std::int64_t vcpus, const CpuTopology& maximum, GuestThreads threads = GuestThreads::kAllowed);
// The possible ones, those closest to what is preferred first.
Expected<std::vector<CpuTopology>> DesirableCpuTopologies(
    const GuestNeeds& needs, GuestThreads threads = GuestThreads::kAllowed);
// The first of them: what a guest gets.
Expected<CpuTopology> BestCpuTopology(const GuestNeeds& needs,
                                      GuestThreads threads = GuestThreads::kAllowed);

}  // namespace kilonova::hardware
