// SPDX-License-Identifier: Apache-2.0
// Refusals that Nova makes too carry the name of its exception class, as those of common/hardware
// do. Internal to agent/guest.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/status.h"

namespace kilonova::agent::guest {

// INVALID_ARGUMENT, or FAILED_PRECONDITION when `reason` is FEATURE_NOT_SERVED.
Status Refuse(Reason reason, std::string_view nova_exception, std::string_view message,
              std::initializer_list<std::pair<std::string_view, std::string>> details = {});

}  // namespace kilonova::agent::guest
