// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "common/model/flavor.h"

namespace kilonova::v1 {
class Flavor;
}

namespace kilonova::grpc {

// With its content hash.
void ToProto(const model::Flavor& flavor, v1::Flavor* out);
// As it stands on the wire; whether its values make sense is model::ValidateFlavor's to say.
model::Flavor FromProto(const v1::Flavor& flavor);

// FlavorSync.flavors_hash of a whole set, in any order: SHA-256 over the content hashes ordered by
// flavorid, each followed by a newline.
std::string FlavorsHash(const std::vector<model::Flavor>& flavors);

}  // namespace kilonova::grpc
