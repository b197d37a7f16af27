// SPDX-License-Identifier: Apache-2.0
// Whether a request is what its template says, and whether its image may run in its flavor.
#pragma once

#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

// FLAVOR_MISMATCH with a detail per differing field, "request has A, template has B".
Status CompareWithTemplate(const model::Flavor& have, const model::Flavor& want);
// FLAVOR_MEMORY_TOO_SMALL or FLAVOR_DISK_TOO_SMALL by the image's min_ram and min_disk. A root disk
// of 0 takes the image's own size, whatever min_disk says, as in Nova.
Status CheckImageFitsFlavor(const model::BuildRequest& build);

}  // namespace kilonova::agent::core
