// SPDX-License-Identifier: Apache-2.0
// Every extra spec Nova 26.2 knows, and its judgement of a key and a value: what its API says from
// microversion 2.86 on.
//
//   if (const Verdict verdict = Judge("hw:cpu_policy", "dedicatd"); verdict.fault != Fault::kNone)
//     return Refusal("hw:cpu_policy", "dedicatd", verdict);
//
// All functions are thread-safe and take time linear in key and value. Text is UTF-8; a byte that
// is not counts as a character of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "flavors/extra_specs/spec.h"

namespace kilonova::flavors::extra_specs {

// Sorted by name.
const std::vector<ExtraSpec>& All();

// The spec `key` is one of, or null: Find("trait1:HW_CPU_X86_AVX2")->name is
// "trait{group}:HW_CPU_X86_AVX2".
const ExtraSpec* Find(std::string_view key);

enum class Fault : std::uint8_t {
  kNone,
  kUnknownKey,  // no such key in a namespace that is known
  kNotInteger,
  kNotBoolean,
  kBelowMin,
  kAboveMax,
  kNotAllowed,  // none of the words
  kForm,
};

struct Verdict {
  Fault fault = Fault::kNone;
  const ExtraSpec* spec = nullptr;  // null: unknown
};

// Keys without a namespace and namespaces that nobody knows are anyone's: they pass, without a
// spec.
Verdict Judge(std::string_view key, std::string_view value);

// What a value of `spec` must be: "a whole number, 1 or more", "one of dedicated, shared, mixed".
std::string Allowed(const ExtraSpec& spec);

// The known key that `key` most looks like, or "": at most a few letters apart. Groups and numbers
// are those of `key`.
std::string NearestKey(std::string_view key);

// INVALID_ARGUMENT / FLAVOR_INVALID for a fault of `verdict`. Names key, value and what is allowed
// or the nearest key; details "field" (extra_specs.KEY), "allowed", "nearest".
Status Refusal(std::string_view key, std::string_view value, const Verdict& verdict);

}  // namespace kilonova::flavors::extra_specs
