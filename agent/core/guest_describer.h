// SPDX-License-Identifier: Apache-2.0
// How a request becomes a guest: its domain XML and the files of its config drive. Pure; wired to
// agent/guest in agent/app.
#pragma once

#include <string>
#include <vector>

#include "agent/core/image_store.h"
#include "agent/core/paths.h"
#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

class GuestDescriber {
 public:
  virtual ~GuestDescriber() = default;
  // Refuses with FEATURE_NOT_SERVED, FLAVOR_INVALID or IMAGE_INVALID what cannot be described.
  // Files are where `paths` says. `virt_type` is what guests really use: "kvm" or "qemu".
  virtual Expected<std::string> DomainXml(const model::BuildRequest& build, const Paths& paths,
                                          const std::string& virt_type) = 0;
  virtual Expected<std::vector<ConfigDriveFile>> ConfigDrive(const model::BuildRequest& build) = 0;
};

}  // namespace kilonova::agent::core
