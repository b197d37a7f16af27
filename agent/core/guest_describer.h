// SPDX-License-Identifier: Apache-2.0
// How a request becomes a guest: its domain XML and the files of its config drive. Pure; wired to
// agent/guest in agent/app.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/hypervisor.h"
#include "agent/core/image_store.h"
#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

class GuestDescriber {
 public:
  virtual ~GuestDescriber() = default;
  // Refuses what this agent does not serve, before anything is made for it: FEATURE_NOT_SERVED,
  // FLAVOR_INVALID, IMAGE_INVALID.
  virtual Status Check(const model::BuildRequest& build) = 0;
  // `root` is the cached image under the root disk. The same inputs give the same bytes.
  virtual Expected<std::string> DomainXml(const model::BuildRequest& build, const CachedImage& root,
                                          const HostFacts& facts) = 0;
  // Nothing when the guest is to have no config drive.
  virtual Expected<std::optional<std::vector<ConfigDriveFile>>> ConfigDrive(
      const model::BuildRequest& build) = 0;
};

}  // namespace kilonova::agent::core
