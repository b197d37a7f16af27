// SPDX-License-Identifier: Apache-2.0
// Flavor templates from YAML files. docs/formats/flavors.md and flavors/catalog/schema.json
// describe the form. All errors are INVALID_ARGUMENT / FLAVOR_INVALID or CONFIG_INVALID and begin
// with "file:line: "; one file's errors are reported all at once, one a line.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/model/flavor.h"

namespace kilonova::flavors {

// The flavors of one file, in its order.
Expected<std::vector<model::Flavor>> ParseFlavors(std::string_view text, const std::string& name);
Expected<std::vector<model::Flavor>> LoadFlavorFile(const std::filesystem::path& path);

// Every *.yaml of a directory, in name order. A name or flavorid that stands twice is refused with
// both places named.
Expected<std::vector<model::Flavor>> LoadFlavorDir(const std::filesystem::path& directory);

}  // namespace kilonova::flavors
