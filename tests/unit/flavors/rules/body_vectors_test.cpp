// SPDX-License-Identifier: Apache-2.0
// What real Nova's API says of bodies that make flavors or give extra specs.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <map>

#include "flavors/rules/body.h"
#include "tests/support/nova_vectors.h"

namespace kilonova::flavors::rules {
namespace {

Value Read(const std::string& name) {
  auto file = ReadJson(kilonova::testing::ReadVectors(name), std::size_t{64} << 20);
  EXPECT_TRUE(file.ok()) << Message(file.status());
  return file.ok() ? *std::move(file) : Value{};
}

const Value& At(const Value& map, std::string_view name) {
  const Value* found = map.Find(name);
  if (found == nullptr) {
    std::cerr << "no member " << name << "\n";
    std::abort();
  }
  return *found;
}

std::string_view NameOf(Fault fault) {
  static constexpr std::array<std::string_view, 10> kNames{
      "type",      "form",      "name",        "too short", "too long",
      "too small", "too large", "not allowed", "missing",   "unknown field"};
  return kNames.at(static_cast<std::size_t>(fault));
}

// The class of fault Nova's message tells of.
std::string_view ClassOf(const std::string& message) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kTexts{{
      {"An invalid 'name' value", "name"},
      {"is not of type", "type"},
      {"does not match '", "form"},
      {"does not match any of the regexes", "form"},
      {"is too short", "too short"},
      {"is too long", "too long"},
      {"is less than", "too small"},
      {"is greater than", "too large"},
      {"is not one of", "not allowed"},
      {"is a required property", "missing"},
      {"Additional properties are not allowed", "unknown field"},
      {"must be an integer", "type"},
  }};
  for (const auto& [text, name] : kTexts) {
    if (message.find(text) != std::string::npos) return name;
  }
  return "?";
}

// The field Nova's message names; "name" for the one that names none.
std::string FieldOf(const std::string& message) {
  static constexpr std::string_view kIntro = "Invalid input for field/attribute ";
  static constexpr std::string_view kCreate = "Invalid input received: ";
  if (message.starts_with("An invalid 'name' value")) return "name";
  if (message.starts_with(kCreate)) {
    const std::string name = message.substr(kCreate.size(), message.find(" must") - kCreate.size());
    return name == "ephemeral" ? "OS-FLV-EXT-DATA:ephemeral" : name;
  }
  if (!message.starts_with(kIntro)) return "";
  return message.substr(kIntro.size(), message.find(". Value:") - kIntro.size());
}

std::string Text(const NewFlavor& made) {
  const model::Flavor& f = made.flavor;
  std::string text = f.name + "|" + (f.flavorid.empty() ? "(generated)" : f.flavorid) + "|";
  for (const auto size : {f.memory_mb, f.vcpus, f.root_gb, f.ephemeral_gb, f.swap_mb}) {
    text += std::to_string(size) + "|";
  }
  return text + std::to_string(f.rxtx_factor) + "|" + (f.is_public ? "true" : "false") + "|" +
         (made.described ? "'" + f.description + "'" : "null");
}

std::string NovasText(const Value& flavor) {
  const bool generated = At(flavor, "flavorid_generated").text == "true";
  std::string text =
      At(flavor, "name").text + "|" + (generated ? "(generated)" : At(flavor, "flavorid").text);
  for (const char* size : {"memory_mb", "vcpus", "root_gb", "ephemeral_gb", "swap"}) {
    text += "|" + At(flavor, size).text;
  }
  const Value& description = At(flavor, "description");
  const double rxtx = std::strtod(At(flavor, "rxtx_factor").text.c_str(), nullptr);
  return text + "|" + std::to_string(rxtx) + "|" + At(flavor, "is_public").text + "|" +
         (description.Is(Value::Kind::kNull) ? "null" : "'" + description.text + "'");
}

std::string Ours(const Judgement& wrong, const NewFlavor& made) {
  if (!wrong) return Text(made);
  return std::string(wrong->beyond_schema ? "create: " : "schema: ") + wrong->field + ": " +
         std::string(NameOf(wrong->fault));
}

std::string Novas(const Value& result) {
  if (At(result, "status").text == "200") return NovasText(At(result, "flavor"));
  const std::string& message = At(result, "message").text;
  return At(result, "stage").text + ": " + FieldOf(message) + ": " + std::string(ClassOf(message));
}

TEST(BodyVectors, FlavorsAreMadeAndRefusedAsByNova) {
  const std::map<std::string, Microversion> versions{
      {"2.0", Microversion::k2_0}, {"2.1", Microversion::k2_1}, {"2.55", Microversion::k2_55}};
  const Value file = Read("flavors.json");
  const auto& vectors = At(file, "vectors").members;
  std::size_t right = 0;
  for (const Value& vector : vectors) {
    NewFlavor made;
    const auto wrong =
        JudgeCreate(At(vector, "body"), versions.at(At(vector, "microversion").text), &made);
    const std::string ours = Ours(wrong, made);
    const std::string novas = Novas(At(vector, "result"));
    EXPECT_EQ(ours, novas) << At(vector, "id").text;
    right += ours == novas ? 1 : 0;
  }
  std::cout << right << " of " << vectors.size() << " flavors\n";
  EXPECT_GT(right, 100U);
}

TEST(BodyVectors, ExtraSpecsPassTheSchemaAsInNova) {
  const Value file = Read("extra_specs.json");
  const auto& vectors = At(file, "body_vectors").members;
  std::size_t right = 0;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const Value& vector = vectors[i];
    model::ExtraSpecs made;
    const auto wrong = JudgeExtraSpecs(At(vector, "body"), &made);
    const bool refused = wrong && !wrong->beyond_schema;
    const std::string ours = refused ? std::string(NameOf(wrong->fault)) : "ok";
    const std::string novas =
        At(vector, "ok").text == "true" ? "ok" : std::string(ClassOf(At(vector, "message").text));
    EXPECT_EQ(ours, novas) << "body " << i;
    right += ours == novas ? 1 : 0;
  }
  std::cout << right << " of " << vectors.size() << " bodies\n";
  EXPECT_GT(right, 30U);
}

}  // namespace
}  // namespace kilonova::flavors::rules
