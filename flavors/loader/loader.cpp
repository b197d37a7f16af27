// SPDX-License-Identifier: Apache-2.0
#include "flavors/loader/loader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/runtime/safe_yaml.h"
#include "flavors/loader/flavor_reader.h"

namespace kilonova::flavors {
namespace {

using runtime::Where;

struct Located {
  model::Flavor flavor;
  std::string where;
};

Status Faults(const std::string& file, const std::vector<std::string>& errors) {
  std::string text;
  for (const std::string& error : errors) text += (text.empty() ? "" : "\n") + error;
  return Error(Code::kInvalidArgument, reason::kFlavorInvalid, text, {{"file", file}});
}

void FindTwins(const std::vector<Located>& flavors, std::vector<std::string>* errors) {
  std::map<std::string, std::string> names, ids;
  for (const Located& located : flavors) {
    const auto check = [&](std::map<std::string, std::string>* known, const char* what,
                           const std::string& value) {
      if (value.empty()) return;  // to be made up
      const auto [twin, fresh] = known->emplace(value, located.where);
      if (!fresh) {
        errors->push_back(located.where + ": " + what + " '" + value + "' stands at " +
                          twin->second + " too");
      }
    };
    check(&names, "name", located.flavor.name);
    check(&ids, "flavorid", located.flavor.flavorid);
  }
}

Expected<std::vector<Located>> Read(const YAML::Node& root, const std::string& name,
                                    const LoadOptions& options) {
  std::vector<std::string> errors;
  std::vector<Located> flavors;
  if (!root.IsMap() || !root["flavors"] || !root["flavors"].IsSequence()) {
    return Faults(name, {Where(name, root) + ": the file must hold one list, 'flavors'"});
  }
  for (const auto& item : root) {
    if (item.first.Scalar() != "flavors") {
      errors.push_back(Where(name, item.first) + ": unknown key '" + item.first.Scalar() + "'");
    }
  }
  for (const auto& node : root["flavors"]) {
    if (!node.IsMap()) {
      errors.push_back(Where(name, node) + ": a flavor must be a map");
      continue;
    }
    flavors.push_back({ReadFlavor(node, name, options, &errors), Where(name, node)});
  }
  if (!errors.empty()) return Faults(name, errors);
  return flavors;
}

Expected<std::vector<model::Flavor>> Finish(const std::vector<Located>& located,
                                            const std::string& name) {
  std::vector<std::string> errors;
  FindTwins(located, &errors);
  if (!errors.empty()) return Faults(name, errors);
  std::vector<model::Flavor> flavors;
  flavors.reserve(located.size());
  for (const Located& one : located) flavors.push_back(one.flavor);
  return flavors;
}

Expected<std::vector<Located>> ReadText(std::string_view text, const std::filesystem::path& path,
                                        const LoadOptions& options) {
  const std::string name = path.string();
  if (path.extension() == ".json") {
    ASSIGN_OR_RETURN(model::Flavor flavor, ParseNovaFlavor(text, name, options));
    return std::vector<Located>{{std::move(flavor), name}};
  }
  ASSIGN_OR_RETURN(const YAML::Node root, runtime::ParseYaml(text, name));
  return Read(root, name, options);
}

Expected<std::vector<Located>> ReadFile(const std::filesystem::path& path,
                                        const LoadOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, runtime::ReadConfigFile(path));
  return ReadText(text, path, options);
}

}  // namespace

Expected<std::vector<model::Flavor>> ParseFlavors(std::string_view text, const std::string& name,
                                                  const LoadOptions& options) {
  ASSIGN_OR_RETURN(const YAML::Node root, runtime::ParseYaml(text, name));
  ASSIGN_OR_RETURN(const auto located, Read(root, name, options));
  return Finish(located, name);
}

Expected<std::vector<model::Flavor>> LoadFlavorFile(const std::filesystem::path& path,
                                                    const LoadOptions& options) {
  ASSIGN_OR_RETURN(const auto located, ReadFile(path, options));
  return Finish(located, path.string());
}

Expected<std::vector<model::Flavor>> LoadFlavorDir(const std::filesystem::path& directory,
                                                   const LoadOptions& options) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  if (error) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 directory.string() + ": cannot read the directory: " + error.message(),
                 {{"file", directory.string()}});
  }
  std::ranges::sort(files);
  std::vector<Located> all;
  for (const auto& file : files) {
    ASSIGN_OR_RETURN(auto located, ReadFile(file, options));
    for (Located& one : located) all.push_back(std::move(one));
  }
  return Finish(all, directory.string());
}

}  // namespace kilonova::flavors
