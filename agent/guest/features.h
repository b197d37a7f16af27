// SPDX-License-Identifier: Apache-2.0
// What a request asks for by extra spec or image property, and whether this agent serves it. What
// is not served is refused by name, never passed over in silence.
#pragma once

#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::guest {

// OK when every extra spec and image property of `request` is either served or known to have no
// effect on the guest, whatever its value where Nova's own rules judge that later (NumaConstraints,
// DescribeGuest...). FEATURE_NOT_SERVED with details "key" and "value" for the first that is not;
// FLAVOR_INVALID (same details) for a limit that is none; IMAGE_INVALID as ImageProps::From; what
// CheckFlavorWithImage says.
Status CheckServed(const model::BuildRequest& request);

}  // namespace kilonova::agent::guest
