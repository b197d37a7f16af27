// SPDX-License-Identifier: Apache-2.0
// ImageMetaProps 1.34: which image properties Nova knows, and the type each has on the wire.
#pragma once

#include <map>
#include <string>

#include "proto/oslo/json.h"

namespace kilonova::oslo {

// The fields an ImageMetaProps has for these properties. Unknown ones, lists and values of the
// wrong type are left out, as Nova leaves them out; they are still in the image's own dictionary.
Json ImageMetaPropsData(const std::map<std::string, std::string>& properties);

}  // namespace kilonova::oslo
