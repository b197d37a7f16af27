// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/python_values.h"

#include <algorithm>
#include <string>

namespace kilonova::scheduler::filters {
namespace {

bool IsNumber(const PyJson& value) { return value.is_number() || value.is_boolean(); }

// Wide enough for every integer of 64 bits and every double.
long double NumberOf(const PyJson& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number_unsigned()) return static_cast<long double>(value.get<std::uint64_t>());
  if (value.is_number_integer()) return static_cast<long double>(value.get<std::int64_t>());
  return value.get<double>();
}

template <class T>
bool Holds(const T& a, std::string_view op, const T& b) {
  if (op == "<") return a < b;
  if (op == ">") return a > b;
  if (op == "<=") return a <= b;
  return a >= b;
}

}  // namespace

bool PyTruth(const PyJson& value) {
  if (value.is_null()) return false;
  if (IsNumber(value)) return NumberOf(value) != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.is_structured() || !value.empty();
}

bool PyEquals(const PyJson& a, const PyJson& b) {
  if (IsNumber(a) && IsNumber(b)) return NumberOf(a) == NumberOf(b);
  if (a.type() != b.type()) return false;
  if (a.is_array()) return std::ranges::equal(a, b, PyEquals);
  if (a.is_object()) {
    return a.size() == b.size() && std::ranges::all_of(a.items(), [&b](const auto& item) {
             const auto found = b.find(item.key());
             return found != b.end() && PyEquals(item.value(), *found);
           });
  }
  return a == b;
}

std::optional<bool> PyCompare(const PyJson& a, std::string_view op, const PyJson& b) {
  if (op == "=") return PyEquals(a, b);
  if (IsNumber(a) && IsNumber(b)) return Holds(NumberOf(a), op, NumberOf(b));
  if (a.is_string() && b.is_string()) {
    // Bytes of UTF-8 compare as code points do.
    return Holds(a.get_ref<const std::string&>(), op, b.get_ref<const std::string&>());
  }
  if (!a.is_array() || !b.is_array()) return std::nullopt;
  // The first pair that differs decides, else the lengths do.
  const auto [in_a, in_b] = std::ranges::mismatch(a, b, PyEquals);
  if (in_a != a.end() && in_b != b.end()) return PyCompare(*in_a, op, *in_b);
  return Holds(a.size(), op, b.size());
}

}  // namespace kilonova::scheduler::filters
