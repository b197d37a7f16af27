// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/context.h"
#include "agent/guest/image_text.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::int64_t kVirtioModelSince = 8'003'000;  // libvirt's version
constexpr std::int64_t kAwBitsSince = 6'005'000;
constexpr int kAwBits = 48;  // the larger of the two QEMU has

Status WrongMachine(const Context& context) {
  return Refuse(reason::kImageInvalid, "InvalidVIOMMUMachineType",
                "a virtual IOMMU cannot be had on machine " + Printable(context.machine),
                {{"key", "hw_viommu_model"}});
}

}  // namespace

Status DescribeViommu(const Context& context, Domain& domain) {
  std::string model = context.extra_spec("hw:viommu_model");
  if (model.empty()) model = TextOr(context.input.image, "hw_viommu_model");
  if (model.empty()) return OkStatus();
  if (context.x86()) {
    if (!context.machine.empty() && !context.q35()) return WrongMachine(context);
  } else if (context.arch == "aarch64") {
    if (!context.machine.empty() && context.machine.find("virt") == std::string::npos) {
      return WrongMachine(context);
    }
  } else {
    return Refuse(reason::kImageInvalid, "InvalidVIOMMUArchitecture",
                  "a virtual IOMMU cannot be had on " + Printable(context.arch),
                  {{"key", "hw_viommu_model"}});
  }
  if (!HasWord("auto intel smmuv3 virtio", model)) {
    return Error(Code::kInvalidArgument, reason::kFlavorInvalid,
                 "a virtual IOMMU cannot be " + Printable(model), {{"key", "hw:viommu_model"}});
  }
  if (model == "auto") {
    const bool has_virtio = context.input.libvirt_version >= kVirtioModelSince;
    model = has_virtio ? "virtio" : context.x86() && context.q35() ? "intel" : "smmuv3";
  }
  IommuDevice iommu;
  iommu.model = model;
  if (context.input.libvirt_version >= kAwBitsSince) iommu.aw_bits = kAwBits;
  iommu.eim = context.q35();
  domain.devices.emplace_back(std::move(iommu));
  domain.features.ioapic = true;
  return OkStatus();
}

}  // namespace kilonova::agent::guest
