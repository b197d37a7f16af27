// SPDX-License-Identifier: Apache-2.0
#include "scheduler/app/seed.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "flavors/loader/loader.h"

namespace kilonova::scheduler::app {

Status SeedFlavors(const std::filesystem::path& directory,
                   flavors::extra_specs::Validation extra_specs_validation,
                   core::Conductor& conductor) {
  const flavors::LoadOptions options{extra_specs_validation, [](const std::string& odd) {
                                       LogWarn("odd flavor file", {F("why", odd)});
                                     }};
  ASSIGN_OR_RETURN(std::vector<model::Flavor> flavors, flavors::LoadFlavorDir(directory, options));
  std::set<std::string> names;
  std::map<std::string, std::string> hashes;
  for (const model::Flavor& known : conductor.Flavors().flavors) {
    names.insert(known.name);
    hashes.emplace(known.flavorid, known.ContentHash());
  }
  std::int64_t made = 0;
  for (model::Flavor& flavor : flavors) {
    const auto known = hashes.find(flavor.flavorid);
    if (known == hashes.end() && !names.contains(flavor.name)) {
      RETURN_IF_ERROR(conductor.CreateFlavor(std::move(flavor)).status());
      ++made;
    } else if (known == hashes.end() || known->second != flavor.ContentHash()) {
      LogWarn("flavor differs from its file and is left as it is", {F("flavor", flavor.flavorid)});
    }
  }
  LogInfo("flavors seeded",
          {F("dir", directory.string()), F("found", flavors.size()), F("new", made)});
  return OkStatus();
}

}  // namespace kilonova::scheduler::app
