// SPDX-License-Identifier: Apache-2.0
// Flavors as Nova's API takes them.
#include <utility>

#include "flavors/loader/loader.h"
#include "flavors/rules/body.h"
#include "flavors/rules/fields.h"

namespace kilonova::flavors {
namespace {

// The two bodies of which a file is made.
struct Bodies {
  rules::Value flavor, extra_specs;
};

Bodies Part(rules::Value file) {
  Bodies bodies;
  bodies.extra_specs.kind = rules::Value::Kind::kMap;
  if (!file.Is(rules::Value::Kind::kMap)) {
    bodies.flavor = std::move(file);
    return bodies;
  }
  bodies.flavor.kind = rules::Value::Kind::kMap;
  for (auto& value : file.members) {
    auto& body = value.name == "extra_specs" ? bodies.extra_specs : bodies.flavor;
    body.members.push_back(std::move(value));
  }
  return bodies;
}

Expected<model::Flavor> Judge(rules::Value file, const LoadOptions& options,
                              const std::string& name) {
  const Bodies bodies = Part(std::move(file));
  rules::NewFlavor made;
  if (const auto wrong = rules::JudgeCreate(bodies.flavor, rules::Microversion::k2_55, &made)) {
    return rules::ToStatus(*wrong);
  }
  if (!bodies.extra_specs.members.empty()) {
    if (const auto wrong = rules::JudgeExtraSpecs(bodies.extra_specs, &made.flavor.extra_specs)) {
      return rules::ToStatus(*wrong);
    }
  }
  if (const auto wrong = rules::JudgeFlavor(made.flavor)) return rules::ToStatus(*wrong);
  if (!made.flavor.flavorid.empty()) RETURN_IF_ERROR(model::ValidateFlavor(made.flavor));
  RETURN_IF_ERROR(extra_specs::Validate(made.flavor.extra_specs, options.extra_specs_validation,
                                        [&](const Status& odd) {
                                          if (options.warn)
                                            options.warn(name + ": " + Message(odd));
                                        }));
  return std::move(made.flavor);
}

}  // namespace

Expected<model::Flavor> ParseNovaFlavor(std::string_view text, const std::string& name,
                                        const LoadOptions& options) {
  auto file = rules::ReadJson(text);
  if (!file.ok()) return WithDetail(Prefixed(file.status(), name), "file", name);
  auto flavor = Judge(*std::move(file), options, name);
  if (!flavor.ok()) return WithDetail(Prefixed(flavor.status(), name), "file", name);
  return flavor;
}

}  // namespace kilonova::flavors
