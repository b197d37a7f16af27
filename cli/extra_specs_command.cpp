// SPDX-License-Identifier: Apache-2.0
// What extra specs there are, from the registry the scheduler judges by.
#include <fnmatch.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "flavors/extra_specs/registry.h"
#include "flavors/extra_specs/value_form.h"

namespace kilonova::cli {
namespace {

using flavors::extra_specs::Driver;
using flavors::extra_specs::ExtraSpec;
using flavors::extra_specs::ValueForm;
using flavors::extra_specs::ValueType;

const char* TypeName(ValueType type) {
  switch (type) {
    case ValueType::kInt:
      return "int";
    case ValueType::kBool:
      return "bool";
    case ValueType::kStr:
      break;
  }
  return "str";
}

const char* DriverName(Driver driver) {
  switch (driver) {
    case Driver::kLibvirt:
      return "libvirt";
    case Driver::kVmware:
      return "vmware";
    case Driver::kHyperV:
      return "hyperv";
    case Driver::kLibvirtOrHyperV:
      return "libvirt, hyperv";
    case Driver::kAny:
      break;
  }
  return "";
}

// A part of the key, a pattern of whole keys, or a key itself: trait1:CUSTOM_X finds its form.
bool Wanted(const ExtraSpec& spec, const std::string& pattern) {
  return pattern.empty() || spec.name.find(pattern) != std::string::npos ||
         fnmatch(pattern.c_str(), spec.name.c_str(), 0) == 0 ||
         flavors::extra_specs::Find(pattern) == &spec;
}

std::string Words(const ExtraSpec& spec) {
  std::string text;
  for (const std::string_view word : spec.value.allowed) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::string Bounds(const ExtraSpec& spec) {
  if (!spec.value.allowed.empty()) return Words(spec);
  if (spec.value.min && spec.value.max) {
    return std::to_string(*spec.value.min) + ".." + std::to_string(*spec.value.max);
  }
  if (spec.value.min) return ">= " + std::to_string(*spec.value.min);
  if (spec.value.max) return "<= " + std::to_string(*spec.value.max);
  return std::string(flavors::extra_specs::PatternOf(spec.value.form));
}

std::string Help(const ExtraSpec& spec) {
  std::string text(spec.help);
  if (spec.deprecated) text += " Deprecated.";
  if (const std::string driver = DriverName(spec.driver); !driver.empty() && driver != "libvirt") {
    text += " (" + driver + ")";
  }
  return text;
}

nlohmann::ordered_json Json(const ExtraSpec& spec) {
  nlohmann::ordered_json json{{"name", spec.name}, {"type", TypeName(spec.value.type)}};
  if (spec.value.min) json["min"] = *spec.value.min;
  if (spec.value.max) json["max"] = *spec.value.max;
  for (const std::string_view word : spec.value.allowed) json["enum"].push_back(word);
  if (spec.value.form != ValueForm::kFree) {
    json["pattern"] = flavors::extra_specs::PatternOf(spec.value.form);
  }
  json["help"] = spec.help;
  json["driver"] = DriverName(spec.driver);
  json["deprecated"] = spec.deprecated;
  return json;
}

}  // namespace

int ListExtraSpecs(const std::string& pattern, Format format) {
  Table table({"KEY", "TYPE", "VALUES", "HELP"});
  auto list = nlohmann::ordered_json::array();
  for (const ExtraSpec& spec : flavors::extra_specs::All()) {
    if (!Wanted(spec, pattern)) continue;
    list.push_back(Json(spec));
    table.Add({spec.name, TypeName(spec.value.type), Bounds(spec), Help(spec)});
  }
  if (list.empty()) return FailUsage("no extra spec is called like '" + Printable(pattern) + "'");
  if (format == Format::kTable) {
    std::cout << table.Text();
  } else {
    std::cout << (format == Format::kYaml ? JsonToYaml(list.dump()) : list.dump(1) + "\n");
  }
  return kExitOk;
}

}  // namespace kilonova::cli
