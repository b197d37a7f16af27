// SPDX-License-Identifier: Apache-2.0
#include "flavors/extra_specs/registry.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/base/python_text.h"
#include "flavors/extra_specs/name_form.h"
#include "flavors/extra_specs/shown.h"
#include "flavors/extra_specs/tables/tables.h"
#include "flavors/extra_specs/value_form.h"

namespace kilonova::flavors::extra_specs {
namespace {

std::string_view NamespaceOf(std::string_view key) { return key.substr(0, key.find(':')); }

class Registry {
 public:
  Registry() {
    for (const Table& table :
         {AccelTable(), AggregateTable(), HwTable(), HwRngTable(), HwVideoTable(), OsTable(),
          PciPassthroughTable(), PlainTable(), QuotaTable(), VmwareTable()}) {
      Add(table);
    }
    for (const auto& tables : {CapabilitiesTables(), ResourcesTables(), TraitTables()}) {
      for (const Table& table : tables) Add(table);
    }
    std::ranges::sort(specs_, {}, &ExtraSpec::name);
    for (const ExtraSpec& spec : specs_) {
      by_name_.emplace(spec.name, &spec);
      if (HasParameters(spec.name)) forms_.push_back(&spec);
      if (spec.name.find(':') != std::string::npos) namespaces_.insert(NamespaceOf(spec.name));
    }
  }

  const std::vector<ExtraSpec>& specs() const { return specs_; }

  const ExtraSpec* Find(std::string_view key) const {
    if (const auto named = by_name_.find(key); named != by_name_.end()) {
      return !HasParameters(key) || MatchesForm(key, key) ? named->second : nullptr;
    }
    const auto form = std::ranges::find_if(
        forms_, [key](const ExtraSpec* spec) { return MatchesForm(spec->name, key); });
    return form == forms_.end() ? nullptr : *form;
  }

  // Whether a key that is none of the specs may be anyone's own.
  bool IsForeign(std::string_view key) const {
    if (by_name_.contains(key)) return false;  // the bare name of a form, braces and all
    const std::string_view space = NamespaceOf(key);
    return space.size() == key.size() ||
           std::ranges::none_of(
               namespaces_, [space](std::string_view known) { return MatchesForm(known, space); });
  }

 private:
  void Add(const Table& table) {
    const auto add = [this](std::string name, const Row& row) {
      specs_.push_back({std::move(name), row.value, row.help, row.driver, row.deprecated});
    };
    for (const Row& row : table.rows) add(std::string(row.name), row);
    for (const std::string_view name : table.names) {
      add(std::string(table.prefix) + std::string(name), table.common);
    }
  }

  std::vector<ExtraSpec> specs_;
  std::map<std::string_view, const ExtraSpec*> by_name_;
  std::vector<const ExtraSpec*> forms_;
  std::set<std::string_view> namespaces_;
};

const Registry& TheRegistry() {
  static const Registry registry;
  return registry;
}

Fault JudgeValue(const ValueRule& rule, std::string_view value) {
  switch (rule.type) {
    case ValueType::kInt: {
      const auto number = PyInt(value);
      if (!number) return Fault::kNotInteger;
      if (rule.max && *number > *rule.max) return Fault::kAboveMax;
      return rule.min && *number < *rule.min ? Fault::kBelowMin : Fault::kNone;
    }
    case ValueType::kBool:
      return PyStrictBool(value) ? Fault::kNone : Fault::kNotBoolean;
    case ValueType::kStr:
      break;
  }
  if (!rule.allowed.empty()) {
    const bool known = std::ranges::find(rule.allowed, value) != rule.allowed.end();
    return known ? Fault::kNone : Fault::kNotAllowed;
  }
  return HasForm(rule.form, value) ? Fault::kNone : Fault::kForm;
}

std::string AllowedNumber(const ValueRule& rule) {
  const std::string text = "a whole number";
  if (rule.min && rule.max) {
    return text + ", " + std::to_string(*rule.min) + " to " + std::to_string(*rule.max);
  }
  if (rule.min) return text + ", " + std::to_string(*rule.min) + " or more";
  return rule.max ? text + ", " + std::to_string(*rule.max) + " or less" : text;
}

std::string AllowedText(const ValueRule& rule) {
  if (rule.allowed.empty()) {
    return rule.form == ValueForm::kFree ? "any text"
                                         : "of the form " + std::string(PatternOf(rule.form));
  }
  std::string text = "one of ";
  for (const std::string_view word : rule.allowed) {
    if (word != rule.allowed.front()) text += ", ";
    text += word;
  }
  return text;
}

}  // namespace

const std::vector<ExtraSpec>& All() { return TheRegistry().specs(); }

const ExtraSpec* Find(std::string_view key) { return TheRegistry().Find(key); }

Verdict Judge(std::string_view key, std::string_view value) {
  if (const ExtraSpec* spec = Find(key)) return {JudgeValue(spec->value, value), spec};
  return {TheRegistry().IsForeign(key) ? Fault::kNone : Fault::kUnknownKey, nullptr};
}

std::string Allowed(const ExtraSpec& spec) {
  switch (spec.value.type) {
    case ValueType::kInt:
      return AllowedNumber(spec.value);
    case ValueType::kBool:
      return "a truth value such as true or false";
    case ValueType::kStr:
      break;
  }
  return AllowedText(spec.value);
}

Status Refusal(std::string_view key, std::string_view value, const Verdict& verdict) {
  const std::string shown = Shown(key);
  const std::string field = "extra_specs." + shown;
  if (verdict.spec != nullptr) {
    const std::string allowed = Allowed(*verdict.spec);
    return Error(Code::kInvalidArgument, reason::kFlavorInvalid,
                 "extra spec " + shown + " must be " + allowed + ", not '" + Shown(value) + "'",
                 {{"field", field}, {"allowed", allowed}});
  }
  const std::string nearest = NearestKey(key);
  const std::string text = "no extra spec is called '" + shown + "'";
  if (nearest.empty()) {
    return Error(Code::kInvalidArgument, reason::kFlavorInvalid, text, {{"field", field}});
  }
  return Error(Code::kInvalidArgument, reason::kFlavorInvalid,
               text + "; did you mean '" + nearest + "'?",
               {{"field", field}, {"nearest", nearest}});
}

}  // namespace kilonova::flavors::extra_specs
