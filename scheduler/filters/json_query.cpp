// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/json_query.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/core/query_bounds.h"
#include "scheduler/filters/python_values.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using Values = std::vector<PyJson>;
using Result = std::optional<PyJson>;  // nothing: Python would raise

Status BadQuery(std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", "scheduler_hints.query"}});
}

std::size_t CountTerms(const PyJson& value) {
  std::size_t terms = 1;
  if (value.is_structured()) {
    for (const auto& item : value) terms += CountTerms(item);
  }
  return terms;
}

// "$stats.gen", "$host", or just a text.
Result Lookup(const std::string& text, const Fleet& fleet, HostIndex host) {
  if (text.empty()) return PyJson();
  if (text.front() != '$') return PyJson(text);
  std::string_view rest = std::string_view(text).substr(1);
  const auto next = [&rest] {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view name = rest.substr(0, dot);
    rest.remove_prefix(std::min(dot + 1, rest.size()));
    return name;
  };
  const bool whole = rest.find('.') == std::string_view::npos;
  std::size_t left = static_cast<std::size_t>(std::ranges::count(rest, '.'));
  const auto* attribute = FindHostAttribute(next());
  if (attribute == nullptr) return PyJson();
  PyJson value = attribute->get(fleet, host);
  if (whole) return value;
  for (; left > 0 && !value.is_null(); --left) {
    if (!value.is_object()) return std::nullopt;  // it has no get()
    const auto found = value.find(next());
    if (found == value.end()) return PyJson();
    value = PyJson(*found);
  }
  return value;
}

Result CompareAll(const Values& args, std::string_view op) {
  if (args.size() < 2) return PyJson(false);
  if (op == "in") {
    return PyJson(std::any_of(args.begin() + 1, args.end(),
                              [&](const PyJson& arg) { return PyEquals(args[0], arg); }));
  }
  bool all = true;
  for (auto arg = args.begin() + 1; arg != args.end(); ++arg) {
    const auto holds = PyCompare(args[0], op, *arg);
    if (!holds) return std::nullopt;
    all = all && *holds;
  }
  return PyJson(all);
}

Result Apply(const std::string& op, const Values& args) {
  if (op == "not") {
    PyJson flipped = PyJson::array();
    for (const auto& arg : args) flipped.push_back(!PyTruth(arg));
    return flipped;
  }
  if (op == "and") return PyJson(std::ranges::all_of(args, PyTruth));
  if (op == "or") return PyJson(std::ranges::any_of(args, PyTruth));
  for (const std::string_view known : {"=", "<", ">", "in", "<=", ">="}) {
    if (op == known) return CompareAll(args, op);
  }
  return std::nullopt;  // no such operator
}

Result Evaluate(const PyJson& query, const Fleet& fleet, HostIndex host) {
  if (!PyTruth(query)) return PyJson(true);
  if (!query.is_array() || !query.front().is_string()) return std::nullopt;
  Values args;
  for (std::size_t i = 1; i < query.size(); ++i) {
    Result arg = query[i];
    if (query[i].is_array()) {
      arg = Evaluate(query[i], fleet, host);
    } else if (query[i].is_string()) {
      arg = Lookup(query[i].get_ref<const std::string&>(), fleet, host);
    }
    if (!arg) return std::nullopt;
    if (!arg->is_null()) args.push_back(*std::move(arg));
  }
  return Apply(query.front().get_ref<const std::string&>(), args);
}

// To Python a text is a sequence of characters as a list is one of terms.
PyJson Characters(const std::string& text) {
  PyJson list = PyJson::array();
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
    list.push_back(text.substr(at, end - at));
    at = end;
  }
  return list;
}

}  // namespace

Expected<JsonQuery> JsonQuery::Parse(std::string_view text) {
  RETURN_IF_ERROR(core::CheckQueryBounds(text));
  PyJson query = PyJson::parse(text, nullptr, /*allow_exceptions=*/false);
  if (query.is_discarded()) return BadQuery("a query must be JSON");
  if (query.is_string()) query = Characters(query.get<std::string>());
  if (CountTerms(query) > kMostQueryTerms) return BadQuery("a query may have at most 128 terms");
  return JsonQuery(std::move(query));
}

core::Judgement JsonQuery::Judge(const Fleet& fleet, HostIndex host) const {
  const Result result = Evaluate(query_, fleet, host);
  if (!result) return core::Judgement::kError;
  const bool passes = result->is_array() ? std::ranges::any_of(*result, PyTruth) : PyTruth(*result);
  return passes ? core::Judgement::kPass : core::Judgement::kRefuse;
}

}  // namespace kilonova::scheduler::filters
