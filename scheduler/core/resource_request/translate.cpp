// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/resource_request/translate.h"

#include "common/hardware/constraints.h"
#include "scheduler/core/resource_request/resource_class.h"

namespace kilonova::scheduler::core {

using hardware::CpuPolicy;
using hardware::CpuThreadPolicy;
using hardware::EmulatorThreadsPolicy;
using hardware::GuestNeeds;

namespace {

GuestNeeds NeedsOf(const ResourceRequestSpec& spec, const hardware::ImageProps& image) {
  GuestNeeds needs{.flavor = spec.flavor, .image = image};
  needs.image_has_id = spec.has_image;
  return needs;
}

// CPUs of a mixed guest that are its own.
Expected<std::int64_t> DedicatedCpus(const GuestNeeds& needs) {
  ASSIGN_OR_RETURN(const auto dedicated, hardware::DedicatedCpuConstraint(needs));
  ASSIGN_OR_RETURN(const auto realtime, hardware::RealtimeCpuConstraint(needs));
  if (dedicated && !dedicated->Empty()) return static_cast<std::int64_t>(dedicated->Size());
  return realtime ? static_cast<std::int64_t>(realtime->Size()) : 0;
}

}  // namespace

Expected<Translator> Translator::For(const ResourceRequestSpec& spec) {
  ASSIGN_OR_RETURN(hardware::ImageProps image, hardware::ImageProps::From(spec.image_properties));
  return Translator(spec, std::move(image));
}

Status Translator::AddPinning(ResourceRequest& request) const {
  const GuestNeeds needs = NeedsOf(spec_, image_);
  ASSIGN_OR_RETURN(const CpuPolicy policy, hardware::CpuPolicyConstraint(needs));
  ASSIGN_OR_RETURN(const CpuThreadPolicy threads, hardware::CpuThreadPolicyConstraint(needs));
  ASSIGN_OR_RETURN(const EmulatorThreadsPolicy emulator,
                   hardware::EmulatorThreadsPolicyConstraint(needs));
  RequestGroup& group = request.Group("");
  if (policy == CpuPolicy::kDedicated || policy == CpuPolicy::kMixed) {
    std::int64_t pcpus = spec_.flavor.vcpus;
    if (policy == CpuPolicy::kMixed) {
      ASSIGN_OR_RETURN(pcpus, DedicatedCpus(needs));
      group.resources["VCPU"] = spec_.flavor.vcpus - pcpus;
    } else {
      request.cpu_pinning_requested = true;
    }
    group.resources["PCPU"] = pcpus + (emulator == EmulatorThreadsPolicy::kIsolate ? 1 : 0);
  }
  constexpr std::string_view kHyperthreading = "HW_CPU_HYPERTHREADING";
  if (threads == CpuThreadPolicy::kIsolate) group.AddTrait(kHyperthreading, "forbidden");
  if (threads == CpuThreadPolicy::kRequire) group.AddTrait(kHyperthreading, "required");
  return OkStatus();
}

Status Translator::AddFeatures(ResourceRequest& request) const {
  const GuestNeeds needs = NeedsOf(spec_, image_);
  RequestGroup& group = request.Group("");
  ASSIGN_OR_RETURN(const bool encrypted, hardware::MemEncryptionConstraint(needs));
  if (encrypted) group.resources["MEM_ENCRYPTION_CONTEXT"] = 1;
  model::Resources pmem;
  for (const std::string& label : hardware::Vpmems(needs)) {
    ++pmem[CustomResourceClass("PMEM_NAMESPACE_" + label)];
  }
  for (const auto& [name, amount] : pmem) group.resources[name] = amount;
  ASSIGN_OR_RETURN(const auto vtpm, hardware::VtpmConstraint(needs));
  if (vtpm) {
    group.AddTrait(vtpm->version == "1.2" ? "COMPUTE_SECURITY_TPM_1_2" : "COMPUTE_SECURITY_TPM_2_0",
                   "required");
  }
  ASSIGN_OR_RETURN(const auto affinity, hardware::PciNumaPolicyConstraint(needs));
  if (affinity == hardware::PciNumaPolicy::kSocket) {
    group.AddTrait("COMPUTE_SOCKET_PCI_NUMA_AFFINITY", "required");
  }
  ASSIGN_OR_RETURN(const auto secure_boot, hardware::SecureBootConstraint(needs));
  if (secure_boot.value_or("") == "required") {
    group.AddTrait("COMPUTE_SECURITY_UEFI_SECURE_BOOT", "required");
  }
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
