// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

#include "common/model/flavor.h"
#include "flavors/loader/loader.h"

namespace kilonova::flavors {

// The flavor of a map. Adds all that is wrong with it to `errors`, each "file:line: text".
model::Flavor ReadFlavor(const YAML::Node& node, const std::string& file,
                         const LoadOptions& options, std::vector<std::string>* errors);

}  // namespace kilonova::flavors
