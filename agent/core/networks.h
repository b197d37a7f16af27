// SPDX-License-Identifier: Apache-2.0
// Networks on this host. libvirt makes and removes the taps of both kinds; the port says whether
// what they would be plugged into is there. Implemented by agent/adapters/network.
#pragma once

#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

class Networks {
 public:
  virtual ~Networks() = default;
  // HOST_NETWORK_MISSING (retryable: another host may have it) when the libvirt network is not
  // active or the bridge does not exist or is down.
  virtual Status Check(const model::NicRequest& nic) = 0;
  // Removes what is left of a NIC whose guest is gone (a tap by its name). OK when nothing is.
  virtual Status Remove(const model::NicRequest& nic) = 0;
};

}  // namespace kilonova::agent::core
