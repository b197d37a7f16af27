// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/host_capabilities.h"

#include <string_view>

#include "common/base/python_text.h"
#include "scheduler/filters/host_attributes.h"

namespace kilonova::scheduler::filters {
namespace {

using Json = PyJson;
using core::Fleet;
using core::HostIndex;

constexpr int kMostDepth = 64;  // of cpu_info; deeper counts as no JSON

// The members numbers have in Python.
Json MemberOfNumber(const Json& number, std::string_view name) {
  const bool floating = number.is_number_float();
  if (name == "real") return floating ? number : Json(number.get<std::int64_t>());
  if (name == "imag") return floating ? Json(0.0) : Json(0);
  if (floating || number.is_boolean()) return {};
  if (name == "numerator") return number;
  return name == "denominator" ? Json(1) : Json();
}

Json Parse(const std::string& text) {
  const auto bound_depth = [](int depth, Json::parse_event_t, Json&) {
    return depth <= kMostDepth;
  };
  return Json::parse(text, bound_depth, /*allow_exceptions=*/false);
}

Json Step(Json value, const std::string& name) {
  if (value.is_string()) value = Parse(value.get_ref<const std::string&>());
  if (value.is_discarded()) return {};
  if (value.is_object()) {
    const auto found = value.find(name);
    return found == value.end() ? Json() : *found;
  }
  return value.is_number() || value.is_boolean() ? MemberOfNumber(value, name) : Json();
}

std::string Repr(const Json& value) {
  switch (value.type()) {
    case Json::value_t::string:
      return PyRepr(std::string_view(value.get_ref<const std::string&>()));
    case Json::value_t::boolean:
      return value.get<bool>() ? "True" : "False";
    case Json::value_t::number_integer:
      return std::to_string(value.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      return std::to_string(value.get<std::uint64_t>());
    case Json::value_t::number_float:
      return PyRepr(value.get<double>());
    case Json::value_t::array: {
      std::string text;
      for (const auto& item : value) text += (text.empty() ? "" : ", ") + Repr(item);
      return "[" + text + "]";
    }
    case Json::value_t::object: {
      std::string text;
      for (const auto& [key, item] : value.items()) {
        text += (text.empty() ? "" : ", ") + PyRepr(std::string_view(key)) + ": " + Repr(item);
      }
      return "{" + text + "}";
    }
    default:
      return "None";
  }
}

}  // namespace

bool HasCapability(const Fleet& fleet, HostIndex host, const std::string& name) {
  return FindHostAttribute(name) != nullptr ||
         fleet.stat_maps[fleet.Record(host).stats].count(name) != 0;
}

std::optional<std::string> Capability(const Fleet& fleet, HostIndex host,
                                      const std::vector<std::string>& path) {
  Json value;
  const auto* attribute = FindHostAttribute(path.front());
  if (attribute != nullptr) value = attribute->get(fleet, host);
  if (value.is_binary()) return std::nullopt;
  if (value.is_null()) {
    const auto& stats = fleet.stat_maps[fleet.Record(host).stats];
    const auto found = stats.find(path.front());
    if (found != stats.end()) value = found->second;
  }
  for (std::size_t i = 1; i < path.size() && !value.is_null(); ++i) {
    value = Step(std::move(value), path[i]);
  }
  if (value.is_null()) return std::nullopt;
  return value.is_string() ? value.get<std::string>() : Repr(value);
}

}  // namespace kilonova::scheduler::filters
