// SPDX-License-Identifier: Apache-2.0
#include "flavors/loader/flavor_reader.h"

#include <charconv>
#include <map>
#include <utility>

#include "common/runtime/safe_yaml.h"
#include "flavors/rules/fields.h"

namespace kilonova::flavors {
namespace {

using runtime::Where;

// Reads one flavor's map; gathers what is wrong instead of stopping at the first fault.
class FlavorReader {
 public:
  FlavorReader(const std::string& file, const LoadOptions& options,
               std::vector<std::string>* errors)
      : file_(file), options_(options), errors_(errors) {}

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
    if (errors_->size() == before) JudgeWhole(node);
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

  void JudgeWhole(const YAML::Node& node) {
    Status status = OkStatus();
    if (const auto wrong = rules::JudgeFlavor(flavor_)) status = rules::ToStatus(*wrong);
    // The rules let a last newline pass; no instance's record should hold one.
    if (status.ok()) status = model::ValidateFlavor(flavor_);
    if (!status.ok()) {
      const std::string field = DetailsOf(status)["field"];
      const std::string key = field == "swap" ? "swap_mb" : field;
      errors_->push_back((seen_.contains(key) ? seen_[key] : Where(file_, node)) + ": " +
                         Message(status));
      return;
    }
    for (const auto& [key, value] : flavor_.extra_specs) {
      const auto finding = extra_specs::Inspect(key, value, options_.extra_specs_validation);
      if (finding.status.ok()) continue;
      const std::string text = seen_["extra_specs." + key] + ": " + Message(finding.status);
      if (finding.refused) {
        errors_->push_back(text);
      } else if (options_.warn) {
        options_.warn(text);
      }
    }
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
  const LoadOptions& options_;
  std::vector<std::string>* errors_;
  model::Flavor flavor_;
  std::map<std::string, std::string> seen_;  // key -> where it stands
};

}  // namespace

model::Flavor ReadFlavor(const YAML::Node& node, const std::string& file,
                         const LoadOptions& options, std::vector<std::string>* errors) {
  return FlavorReader(file, options, errors).Read(node);
}

}  // namespace kilonova::flavors
