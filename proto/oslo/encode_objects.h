// SPDX-License-Identifier: Apache-2.0
// Inside encode.h: the versioned objects of our own messages, with every field that Nova sends.
#pragma once

#include "common/model/requests.h"
#include "proto/oslo/encode.h"
#include "proto/oslo/json.h"

namespace kilonova::oslo {

// An Instance as it is before its build, on no host.
Json WriteNewInstance(const model::BuildRequest& request);
// An Instance that is on a host, with its claim in system_metadata.
Json WritePlacedInstance(const model::BuildRequest& built, std::int64_t generation,
                         const InstanceState& state);
Json WriteFlavor(const model::Flavor& flavor, WallTime created_at);
Json WriteImageDictionary(const model::ImageSource& image);
Json WriteNetworkRequests(const model::BuildRequest& request);
Json WriteBlockDevices(const model::BuildRequest& request);
Json WritePciRequests(const model::BuildRequest& request);
Json WriteRequestSpec(const model::BuildRequest& request);

}  // namespace kilonova::oslo
