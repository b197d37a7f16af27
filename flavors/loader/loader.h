// SPDX-License-Identifier: Apache-2.0
// Flavor templates from files: YAML as docs/formats/flavors.md and flavors/catalog/schema.json
// describe it, or the body of Nova's request that makes a flavor, as JSON. All errors are
// INVALID_ARGUMENT / FLAVOR_INVALID or CONFIG_INVALID and begin with "file:line: " ("file: " for
// JSON); one file's errors are reported all at once, one a line.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/model/flavor.h"
#include "flavors/extra_specs/validation.h"

namespace kilonova::flavors {

struct LoadOptions {
  extra_specs::Validation extra_specs_validation = extra_specs::Validation::kStrict;
  // Takes what is odd and let pass, with its place.
  std::function<void(const std::string&)> warn;
};

// The flavors of one file's YAML, in its order.
Expected<std::vector<model::Flavor>> ParseFlavors(std::string_view text, const std::string& name,
                                                  const LoadOptions& options = {});
// {"flavor": {...}} as POST /flavors takes it from 2.55 on, and beside it "extra_specs": {...} if
// there are any. Without an id the flavorid is empty.
Expected<model::Flavor> ParseNovaFlavor(std::string_view text, const std::string& name,
                                        const LoadOptions& options = {});

// *.json is the one, anything else the other.
Expected<std::vector<model::Flavor>> LoadFlavorFile(const std::filesystem::path& path,
                                                    const LoadOptions& options = {});
// Every *.yaml of a directory, in name order. A name or flavorid that stands twice is
// refused with both places named.
Expected<std::vector<model::Flavor>> LoadFlavorDir(const std::filesystem::path& directory,
                                                   const LoadOptions& options = {});

}  // namespace kilonova::flavors
