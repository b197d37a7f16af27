// SPDX-License-Identifier: Apache-2.0
// libvirt's thread-local error as a Status. Internal to agent/adapters/libvirt.
#pragma once

#include <string_view>

#include "common/base/status.h"

namespace kilonova::agent::adapters::libvirt {

// The error of the libvirt call this thread just made; call it in the same expression. `what` is
// said to the tenant ("starting the guest failed"); libvirt's own text goes to the detail
// "operator". Never OK.
Status LastError(std::string_view what);

// The code of this thread's last error, VIR_ERR_OK when there is none.
int LastErrorCode();

// The connection is of no more use.
bool IsConnectionLoss(const Status& status);

}  // namespace kilonova::agent::adapters::libvirt
