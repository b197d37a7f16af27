// SPDX-License-Identifier: Apache-2.0
// network_data.json. Internal to agent/guest.
#pragma once

#include <string>

#include "common/model/requests.h"

namespace kilonova::agent::guest {

// The JSON text, "{}" without NICs. Every address in `request` has been checked to be UTF-8.
Expected<std::string> NetworkDataJson(const model::BuildRequest& request);

}  // namespace kilonova::agent::guest
