// SPDX-License-Identifier: Apache-2.0
// Features that Placement knows as resources or traits: what the flavor's hw: extra specs and the
// image's hw_ properties ask for beyond sizes.
#pragma once

#include "common/base/status.h"
#include "common/hardware/image_props.h"
#include "scheduler/core/resource_request/resource_request.h"

namespace kilonova::scheduler::core {

class Translator {
 public:
  // Keeps a reference to `spec`. Fails when Nova could not read the image's properties.
  static Expected<Translator> For(const ResourceRequestSpec& spec);

  // hw:cpu_policy and hw:cpu_thread_policy: PCPU, VCPU of mixed guests, HW_CPU_HYPERTHREADING.
  Status AddPinning(ResourceRequest& request) const;
  // Memory encryption, vPMEM, vTPM, PCI affinity by socket, secure boot.
  Status AddFeatures(ResourceRequest& request) const;

 private:
  Translator(const ResourceRequestSpec& spec, hardware::ImageProps image)
      : spec_(spec), image_(std::move(image)) {}

  const ResourceRequestSpec& spec_;
  hardware::ImageProps image_;
};

}  // namespace kilonova::scheduler::core
