// SPDX-License-Identifier: Apache-2.0
// What real Nova's validators say of keys and values, and which keys they know.
#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "flavors/extra_specs/registry.h"
#include "flavors/extra_specs/value_form.h"
#include "tests/support/nova_vectors.h"

namespace kilonova::flavors::extra_specs {
namespace {

using Json = nlohmann::json;

const Json& File() {
  static const Json file = Json::parse(kilonova::testing::ReadVectors("extra_specs.json"));
  return file;
}

std::string Category(const Verdict& verdict) {
  static const std::map<Fault, std::string> names{{Fault::kNone, "ok"},
                                                  {Fault::kUnknownKey, "unknown_spec"},
                                                  {Fault::kNotInteger, "not_integer"},
                                                  {Fault::kNotBoolean, "not_boolean"},
                                                  {Fault::kBelowMin, "below_min"},
                                                  {Fault::kAboveMax, "above_max"},
                                                  {Fault::kNotAllowed, "enum"},
                                                  {Fault::kForm, "pattern"}};
  return names.at(verdict.fault);
}

TEST(RegistryVectors, JudgesAsNova) {
  int right = 0;
  for (const Json& vector : File().at("vectors")) {
    const std::string key = vector.at("name");
    const std::string value = vector.at("value");
    const Json& result = vector.at("result");
    const std::string nova =
        result.at("ok").get<bool>() ? "ok" : result.at("category").get<std::string>();
    const Verdict verdict = Judge(key, value);
    const std::string ours = Category(verdict);
    EXPECT_EQ(ours, nova) << vector.at("id") << ": " << key << " = '" << value << "'";
    right += ours == nova ? 1 : 0;
    if (verdict.fault == Fault::kNone) continue;
    const Status refusal = Refusal(key, value, verdict);
    EXPECT_TRUE(HasReason(refusal, reason::kFlavorInvalid)) << vector.at("id");
  }
  RecordProperty("right", right);
  std::cout << right << " of " << File().at("vectors").size() << " vectors\n";
}

Json ValueOf(const ExtraSpec& spec) {
  Json value;
  value["type"] = spec.value.type == ValueType::kInt    ? "int"
                  : spec.value.type == ValueType::kBool ? "bool"
                                                        : "str";
  if (spec.value.min) value["min"] = *spec.value.min;
  if (spec.value.max) value["max"] = *spec.value.max;
  for (const std::string_view word : spec.value.allowed) value["enum"].push_back(word);
  if (spec.value.form != ValueForm::kFree) value["pattern"] = PatternOf(spec.value.form);
  return value;
}

TEST(RegistryVectors, KnowsTheSameKeys) {
  std::set<std::string> names;
  for (const Json& entry : File().at("registry")) {
    const std::string name = entry.at("name");
    names.insert(name);
    const auto spec = std::ranges::find(All(), name, &ExtraSpec::name);
    if (spec == All().end()) {
      ADD_FAILURE() << name << " is missing";
      continue;
    }
    Json want = entry.at("value");
    // One of two spellings of the same.
    if (want.value("pattern", "").starts_with("(\\^)?")) {
      want["pattern"] = PatternOf(ValueForm::kCpuList);
    }
    EXPECT_EQ(ValueOf(*spec), want) << name;
    EXPECT_EQ(spec->deprecated, entry.at("deprecated").get<bool>()) << name;
  }
  for (const ExtraSpec& spec : All()) EXPECT_TRUE(names.contains(spec.name)) << spec.name;
}

}  // namespace
}  // namespace kilonova::flavors::extra_specs
