// SPDX-License-Identifier: Apache-2.0
#include "flavors/loader/loader.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "common/runtime/safe_yaml.h"

namespace kilonova::flavors {
namespace {

using runtime::Where;

struct Located {
  model::Flavor flavor;
  std::string where;
};

// Reads one flavor's map; gathers what is wrong instead of stopping at the first fault.
class FlavorReader {
 public:
  FlavorReader(const std::string& file, std::vector<std::string>* errors)
      : file_(file), errors_(errors) {}

  model::Flavor Read(const YAML::Node& node) {
    const std::size_t before = errors_->size();
    for (const auto& item : node) {
      const std::string key = item.first.Scalar();
      const auto field = Fields().find(key);
      if (field == Fields().end()) {
        Complain(item.first, "unknown key '" + key + "'");
        continue;
      }
      seen_[key] = Where(file_, item.first);
      field->second(*this, key, item.second);
    }
    for (const char* needed : {"name", "flavorid", "vcpus", "memory_mb", "root_gb"}) {
      if (!seen_.contains(needed)) Complain(node, std::string("missing key '") + needed + "'");
    }
    if (errors_->size() == before) {
      if (const Status status = model::ValidateFlavor(flavor_); !status.ok()) {
        const std::string field = DetailsOf(status)["field"];
        const std::string key = field == "swap" ? "swap_mb" : field;
        errors_->push_back((seen_.contains(key) ? seen_[key] : Where(file_, node)) + ": " +
                           Message(status));
      }
    }
    return flavor_;
  }

 private:
  using Handler = void (*)(FlavorReader&, const std::string&, const YAML::Node&);

  static const std::map<std::string, Handler>& Fields() {
    static const std::map<std::string, Handler> fields{
        {"name", [](FlavorReader& r, const std::string& k,
                    const YAML::Node& n) { r.Text(k, n, &r.flavor_.name); }},
        {"flavorid", [](FlavorReader& r, const std::string& k,
                        const YAML::Node& n) { r.Text(k, n, &r.flavor_.flavorid); }},
        {"description", [](FlavorReader& r, const std::string& k,
                           const YAML::Node& n) { r.Text(k, n, &r.flavor_.description); }},
        {"vcpus", [](FlavorReader& r, const std::string& k,
                     const YAML::Node& n) { r.Whole(k, n, &r.flavor_.vcpus); }},
        {"memory_mb", [](FlavorReader& r, const std::string& k,
                         const YAML::Node& n) { r.Whole(k, n, &r.flavor_.memory_mb); }},
        {"root_gb", [](FlavorReader& r, const std::string& k,
                       const YAML::Node& n) { r.Whole(k, n, &r.flavor_.root_gb); }},
        {"ephemeral_gb", [](FlavorReader& r, const std::string& k,
                            const YAML::Node& n) { r.Whole(k, n, &r.flavor_.ephemeral_gb); }},
        {"swap_mb", [](FlavorReader& r, const std::string& k,
                       const YAML::Node& n) { r.Whole(k, n, &r.flavor_.swap_mb); }},
        {"rxtx_factor", [](FlavorReader& r, const std::string& k,
                           const YAML::Node& n) { r.Number(k, n, &r.flavor_.rxtx_factor); }},
        {"is_public", [](FlavorReader& r, const std::string& k,
                         const YAML::Node& n) { r.Flag(k, n, &r.flavor_.is_public); }},
        {"disabled", [](FlavorReader& r, const std::string& k,
                        const YAML::Node& n) { r.Flag(k, n, &r.flavor_.disabled); }},
        {"extra_specs",
         [](FlavorReader& r, const std::string& k, const YAML::Node& n) { r.Specs(k, n); }},
    };
    return fields;
  }

  void Complain(const YAML::Node& node, const std::string& message) {
    errors_->push_back(Where(file_, node) + ": " + message);
  }
  const std::string* Scalar(const std::string& key, const YAML::Node& node) {
    if (node.IsScalar()) return &node.Scalar();
    Complain(node, "'" + key + "' must be one value");
    return nullptr;
  }
  void Text(const std::string& key, const YAML::Node& node, std::string* out) {
    if (const auto* text = Scalar(key, node)) *out = *text;
  }
  template <class T>
  void Parse(const std::string& key, const YAML::Node& node, const char* what, T* out) {
    const auto* text = Scalar(key, node);
    if (text == nullptr) return;
    const char* const last = text->data() + text->size();
    const auto [end, error] = std::from_chars(text->data(), last, *out);
    if (error != std::errc{} || end != last) {
      Complain(node, "'" + key + "' must be " + what + ", not '" + text->substr(0, 64) + "'");
    }
  }
  void Whole(const std::string& key, const YAML::Node& node, std::int64_t* out) {
    Parse(key, node, "a whole number", out);
  }
  void Number(const std::string& key, const YAML::Node& node, double* out) {
    Parse(key, node, "a number", out);
  }
  void Flag(const std::string& key, const YAML::Node& node, bool* out) {
    const auto* text = Scalar(key, node);
    if (text == nullptr) return;
    if (*text != "true" && *text != "false") {
      Complain(node, "'" + key + "' must be true or false");
    }
    *out = *text == "true";
  }
  void Specs(const std::string& key, const YAML::Node& node) {
    if (!node.IsMap()) {
      Complain(node, "'" + key + "' must be a map");
      return;
    }
    for (const auto& item : node) {
      const std::string name = item.first.Scalar();
      if (const auto* value = Scalar("extra_specs." + name, item.second)) {
        flavor_.extra_specs[name] = *value;
        seen_["extra_specs." + name] = Where(file_, item.first);
      }
    }
  }

  const std::string& file_;
  std::vector<std::string>* errors_;
  model::Flavor flavor_;
  std::map<std::string, std::string> seen_;  // key -> where it stands
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

Expected<std::vector<Located>> Read(const YAML::Node& root, const std::string& name) {
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
    flavors.push_back({FlavorReader(name, &errors).Read(node), Where(name, node)});
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

}  // namespace

Expected<std::vector<model::Flavor>> ParseFlavors(std::string_view text, const std::string& name) {
  ASSIGN_OR_RETURN(const YAML::Node root, runtime::ParseYaml(text, name));
  ASSIGN_OR_RETURN(const auto located, Read(root, name));
  return Finish(located, name);
}

Expected<std::vector<model::Flavor>> LoadFlavorFile(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const YAML::Node root, runtime::LoadYamlFile(path));
  ASSIGN_OR_RETURN(const auto located, Read(root, path.string()));
  return Finish(located, path.string());
}

Expected<std::vector<model::Flavor>> LoadFlavorDir(const std::filesystem::path& directory) {
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
    ASSIGN_OR_RETURN(const YAML::Node root, runtime::LoadYamlFile(file));
    ASSIGN_OR_RETURN(auto located, Read(root, file.string()));
    for (Located& one : located) all.push_back(std::move(one));
  }
  return Finish(all, directory.string());
}

}  // namespace kilonova::flavors
