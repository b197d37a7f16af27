// SPDX-License-Identifier: Apache-2.0
#include "flavors/rules/body.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "common/base/python_text.h"
#include "common/base/unicode.h"
#include "flavors/extra_specs/shown.h"
#include "flavors/rules/fields.h"

namespace kilonova::flavors::rules {
namespace {

using Kind = Value::Kind;

Violation Wrong(Fault fault, std::string_view field, std::string_view must) {
  return {fault, std::string(field), std::string(must)};
}

// The same under the body's name for it.
Judgement Renamed(Judgement judgement, std::string_view field) {
  if (judgement) judgement->field = field;
  return judgement;
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// ^[0-9]+$ or, for factors, ^[0-9]+(\.[0-9]+)?$
bool IsPlainNumber(std::string_view text, bool fraction) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t dot = fraction ? text.find('.') : std::string_view::npos;
  return IsDigits(text.substr(0, dot)) &&
         (dot == std::string_view::npos || IsDigits(text.substr(dot + 1)));
}

struct Making {
  Microversion version;
  NewFlavor made;
  Judgement later;  // what Nova finds once the schema is passed
};
using Handler = Judgement (*)(Making&, std::string_view field, const Value&);

Judgement Name(Making& making, std::string_view field, const Value& value) {
  if (!value.Is(Kind::kString)) return Wrong(Fault::kType, field, "must be a text");
  const Spaces spaces =
      making.version <= Microversion::k2_0 ? Spaces::kOutsideToo : Spaces::kInside;
  making.made.flavor.name = PyStrip(value.text);
  return JudgeName(value.text, spaces);
}

Judgement Id(Making& making, std::string_view field, const Value& value) {
  std::string& id = making.made.flavor.flavorid;
  switch (value.kind) {
    case Kind::kNull:
      return std::nullopt;
    case Kind::kString:
      id = value.text;
      return Renamed(JudgeFlavorId(id), field);
    case Kind::kInteger:
      // Zero counts as none given.
      if (PyInt(value.text) != 0) id = value.text;
      return std::nullopt;
    case Kind::kNumber: {
      const double number = std::strtod(value.text.c_str(), nullptr);
      if (number != 0) id = PyRepr(number);
      return std::nullopt;
    }
    default:
      return Wrong(Fault::kType, field, "must be a text or a number");
  }
}

template <std::int64_t model::Flavor::*kMember>
Judgement Size(Making& making, std::string_view field, const Value& value) {
  if (!value.Is(Kind::kInteger) && !value.Is(Kind::kString)) {
    return Wrong(Fault::kType, field, "must be a whole number");
  }
  if (value.Is(Kind::kString) && !IsPlainNumber(value.text, false)) {
    return Wrong(Fault::kForm, field, "must be a whole number");
  }
  const auto number = PyInt(value.text);
  // More digits than Python reads as an integer: Nova's schema goes on with a float.
  const std::int64_t size = number
                                ? *number
                                : static_cast<std::int64_t>(std::min(
                                      std::strtod(value.text.c_str(), nullptr), kMostSize + 1.0));
  making.made.flavor.*kMember = size;
  const bool positive = kMember == &model::Flavor::memory_mb || kMember == &model::Flavor::vcpus;
  if (auto wrong = JudgeSize(positive ? "memory_mb" : "root_gb", size)) {
    return Renamed(std::move(wrong), field);
  }
  if (!number && !making.later) {
    making.later = Violation{Fault::kType, std::string(field), "must be a whole number", true};
  }
  return std::nullopt;
}

Judgement RxtxFactor(Making& making, std::string_view field, const Value& value) {
  const bool number = value.Is(Kind::kInteger) || value.Is(Kind::kNumber);
  if (!number && !value.Is(Kind::kString)) {
    return Wrong(Fault::kType, field, "must be a number");
  }
  if (!number && !IsPlainNumber(value.text, true)) {
    return Wrong(Fault::kForm, field, "must be a number");
  }
  const double factor = std::strtod(value.text.c_str(), nullptr);
  making.made.flavor.rxtx_factor = factor;
  // Nova cuts a number off before it compares: 0.5 is too small, "0.5" is not.
  return JudgeRxtxFactor(number ? std::trunc(factor) : factor);
}

Judgement IsPublic(Making& making, std::string_view field, const Value& value) {
  static constexpr std::array<std::string_view, 20> kWords{
      "True",  "TRUE",  "true",  "1", "ON",  "On",  "on",  "YES", "Yes", "yes",
      "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO",  "No",  "no"};
  if (!value.Is(Kind::kBool) && !value.Is(Kind::kString)) {
    return Wrong(Fault::kType, field, "must be true or false");
  }
  if (std::ranges::find(kWords, value.text) == kWords.end()) {
    return Wrong(Fault::kNotAllowed, field, "must be true or false");
  }
  making.made.flavor.is_public = PyStrictBool(value.text).value();
  return std::nullopt;
}

Judgement Description(Making& making, std::string_view field, const Value& value) {
  if (value.Is(Kind::kNull)) return std::nullopt;
  if (!value.Is(Kind::kString)) return Wrong(Fault::kType, field, "must be a text");
  making.made.described = true;
  making.made.flavor.description = value.text;
  return JudgeDescription(value.text);
}

struct Field {
  std::string_view name;
  Handler handler;
  bool needed = false;
  Microversion since = Microversion::kLegacy;
};
// In the order Nova looks at them.
constexpr std::array kFields{
    Field{"name", Name, true},
    Field{"id", Id},
    Field{"ram", Size<&model::Flavor::memory_mb>, true},
    Field{"vcpus", Size<&model::Flavor::vcpus>, true},
    Field{"disk", Size<&model::Flavor::root_gb>, true},
    Field{"OS-FLV-EXT-DATA:ephemeral", Size<&model::Flavor::ephemeral_gb>},
    Field{"swap", Size<&model::Flavor::swap_mb>},
    Field{"rxtx_factor", RxtxFactor},
    Field{"os-flavor-access:is_public", IsPublic},
    Field{"description", Description, false, Microversion::k2_55},
};

// What a map must hold and what else it must not.
Judgement Others(const Value& map, std::string_view where, const std::vector<Field>& known,
                 bool strangers) {
  for (const Field& field : known) {
    if (field.needed && map.Find(field.name) == nullptr) {
      return Wrong(Fault::kMissing, where, "must have '" + std::string(field.name) + "'");
    }
  }
  if (strangers) return std::nullopt;
  for (const Value& value : map.members) {
    if (std::ranges::find(known, value.name, &Field::name) == known.end()) {
      return Wrong(Fault::kUnknownField, where,
                   "must not have '" + extra_specs::Shown(value.name) + "'");
    }
  }
  return std::nullopt;
}

Judgement NotAMap(std::string_view where) { return Wrong(Fault::kType, where, "must be a map"); }

Judgement JudgeFields(const Value& flavor, Making& making) {
  if (!flavor.Is(Kind::kMap)) return NotAMap("flavor");
  std::vector<Field> known;
  for (const Field& field : kFields) {
    if (field.since <= making.version) known.push_back(field);
  }
  for (const Field& field : known) {
    const Value* value = flavor.Find(field.name);
    if (value == nullptr) continue;
    if (auto wrong = field.handler(making, field.name, *value)) return wrong;
  }
  return Others(flavor, "flavor", known, making.version == Microversion::kLegacy);
}

Judgement JudgeSpecs(const Value& specs, model::ExtraSpecs* made) {
  if (!specs.Is(Kind::kMap)) return NotAMap("extra_specs");
  for (const Value& value : specs.members) {
    const std::string& key = value.name;
    if (JudgeExtraSpecKey(key)) continue;  // judged below: Nova looks at known fields first
    const bool number = value.Is(Kind::kInteger) || value.Is(Kind::kNumber);
    const std::string field = "extra_specs." + key;
    if (!number && !value.Is(Kind::kString)) {
      return Wrong(Fault::kType, field, "must be a text or a number");
    }
    if (!number) {
      if (auto wrong = JudgeExtraSpecValue(key, value.text)) return wrong;
    }
  }
  for (const Value& value : specs.members) {
    if (auto wrong = JudgeExtraSpecKey(value.name)) return wrong;
  }
  for (const Value& value : specs.members) {
    std::string text =
        value.Is(Kind::kNumber) ? PyRepr(std::strtod(value.text.c_str(), nullptr)) : value.text;
    if (auto wrong = JudgeExtraSpecValue(value.name, text)) {
      wrong->beyond_schema = true;
      return wrong;
    }
    made->insert_or_assign(value.name, std::move(text));
  }
  return std::nullopt;
}

// A body of one field.
template <class JudgeField>
Judgement JudgeBody(const Value& body, std::string_view name, bool strangers, JudgeField judge) {
  if (!body.Is(Kind::kMap)) return NotAMap("");
  if (const Value* field = body.Find(name)) {
    if (auto wrong = judge(*field)) return wrong;
  }
  return Others(body, "", {Field{name, nullptr, true}}, strangers);
}

}  // namespace

Judgement JudgeCreate(const Value& body, Microversion version, NewFlavor* made) {
  Making making{version, {}, {}};
  auto wrong = JudgeBody(body, "flavor", version == Microversion::kLegacy,
                         [&](const Value& flavor) { return JudgeFields(flavor, making); });
  if (!wrong) wrong = std::move(making.later);
  if (!wrong) *made = std::move(making.made);
  return wrong;
}

Judgement JudgeExtraSpecs(const Value& body, model::ExtraSpecs* made) {
  return JudgeBody(body, "extra_specs", false,
                   [&](const Value& specs) { return JudgeSpecs(specs, made); });
}

}  // namespace kilonova::flavors::rules
