// SPDX-License-Identifier: Apache-2.0
// What a failure means to the instance's owner, and whether another host should try.
#pragma once

#include "common/base/status.h"
#include "common/model/reports.h"

namespace kilonova::agent::core {

// True when this host is to blame (full, libvirt down), false when the request would fail anywhere.
bool IsRetryable(const Status& status);

// Reason and safe message of `status`; its operator detail stays behind, for the log.
model::Fault MakeFault(const Status& status);

}  // namespace kilonova::agent::core
