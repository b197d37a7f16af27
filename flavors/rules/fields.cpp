// SPDX-License-Identifier: Apache-2.0
#include "flavors/rules/fields.h"

#include <string>
#include <utility>

#include "common/base/unicode.h"
#include "flavors/extra_specs/shown.h"

namespace kilonova::flavors::rules {
namespace {

constexpr std::size_t kMostText = 255;
constexpr std::size_t kMostDescription = 65535;
constexpr std::size_t kMostExtraSpecs = 512;  // as many as a host reads out of a message

Violation Wrong(Fault fault, std::string_view field, std::string_view must) {
  return {fault, std::string(field), std::string(must)};
}

// A '$' of Python's stands before a last newline as well as at the end.
std::string_view WithoutLastNewline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

struct Printed {
  bool all = true;  // characters are printable
  bool any_visible = false, space_first = false, space_last = false;
};

Printed Look(std::string_view text) {
  Printed seen;
  for (std::size_t at = 0; at < text.size() && seen.all;) {
    const bool first = at == 0;
    const std::int32_t point = NextCodePoint(text, at);
    seen.all = IsNamePrintable(point);
    seen.space_last = IsNameSpace(point);
    if (first) seen.space_first = seen.space_last;
    seen.any_visible |= seen.all && !seen.space_last;
  }
  return seen;
}

bool IsKeyCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
         c == '.' || c == '_' || c == '-';
}

}  // namespace

Status ToStatus(const Violation& violation) {
  const std::string what = violation.field.empty() ? "flavor" : "flavor " + violation.field;
  return Error(Code::kInvalidArgument, reason::kFlavorInvalid, what + " " + violation.must,
               {{"field", violation.field}});
}

Judgement JudgeName(std::string_view name, Spaces spaces) {
  if (name.empty()) return Wrong(Fault::kTooShort, "name", "must not be empty");
  if (CodePoints(name) > kMostText) {
    return Wrong(Fault::kTooLong, "name", "must be 255 characters at most");
  }
  const Printed seen = Look(WithoutLastNewline(name));
  const bool outside = seen.space_first || seen.space_last;
  if (seen.all && seen.any_visible && (spaces == Spaces::kOutsideToo || !outside)) {
    return std::nullopt;
  }
  return Wrong(Fault::kName, "name",
               spaces == Spaces::kInside
                   ? "must be printable characters, without spaces around them"
                   : "must be printable characters, not spaces alone");
}

Judgement JudgeFlavorId(std::string_view id) {
  if (id.empty()) return Wrong(Fault::kTooShort, "flavorid", "must not be empty");
  if (CodePoints(id) > kMostText) {
    return Wrong(Fault::kTooLong, "flavorid", "must be 255 characters at most");
  }
  const std::string_view plain = WithoutLastNewline(id);
  bool fits = !plain.empty() && plain.front() != ' ' && plain.back() != ' ';
  for (const char c : plain) fits = fits && IsKeyCharacter(c);
  if (fits) return std::nullopt;
  return Wrong(Fault::kForm, "flavorid",
               "must be letters, digits, . _ - and spaces, without spaces around them");
}

Judgement JudgeSize(std::string_view field, std::int64_t size) {
  const std::int64_t least = field == "memory_mb" || field == "vcpus" ? 1 : 0;
  if (size >= least && size <= kMostSize) return std::nullopt;
  const std::string unit = field.ends_with("_gb")                      ? " GiB"
                           : field.ends_with("_mb") || field == "swap" ? " MiB"
                                                                       : "";
  return Wrong(size < least ? Fault::kTooSmall : Fault::kTooLarge, field,
               "must be " + std::to_string(least) + " to " + std::to_string(kMostSize) + unit);
}

Judgement JudgeRxtxFactor(double factor) {
  if (factor > 0 && factor <= kMostRxtx) return std::nullopt;
  return Wrong(factor > kMostRxtx ? Fault::kTooLarge : Fault::kTooSmall, "rxtx_factor",
               "must be above 0 and at most 3.40282e+38");
}

Judgement JudgeDescription(std::string_view text) {
  // A character has four bytes at most: what is longer need not be counted.
  if (text.size() > 4 * kMostDescription || CodePoints(text) > kMostDescription) {
    return Wrong(Fault::kTooLong, "description", "must be 65535 characters at most");
  }
  if (Look(WithoutLastNewline(text)).all) return std::nullopt;
  return Wrong(Fault::kForm, "description", "must be printable characters");
}

Judgement JudgeExtraSpecKey(std::string_view key) {
  const std::string_view plain = WithoutLastNewline(key);
  bool fits = !plain.empty() && plain.size() <= kMostText;
  for (const char c : plain) fits = fits && (IsKeyCharacter(c) || c == ':');
  if (fits) return std::nullopt;
  return Wrong(Fault::kForm, "extra_specs." + extra_specs::Shown(key),
               "must have a name of 1 to 255 letters, digits, spaces and - _ : .");
}

Judgement JudgeExtraSpecValue(std::string_view key, std::string_view value) {
  const std::string field = "extra_specs." + extra_specs::Shown(key);
  if (value.size() > 4 * kMostText || CodePoints(value) > kMostText) {
    return Wrong(Fault::kTooLong, field, "must be 255 characters at most");
  }
  return std::nullopt;
}

Judgement JudgeChange(const model::ExtraSpecs& extra_specs, std::string_view description) {
  if (auto wrong = JudgeDescription(description)) return wrong;
  if (extra_specs.size() > kMostExtraSpecs) {
    return Wrong(Fault::kTooLong, "extra_specs", "must be 512 at most");
  }
  for (const auto& [key, value] : extra_specs) {
    if (auto wrong = JudgeExtraSpecKey(key)) return wrong;
    if (auto wrong = JudgeExtraSpecValue(key, value)) return wrong;
    // Nova has no say in this; no guest's XML can hold it.
    if (!IsUtf8(value) || value.find('\0') != std::string::npos) {
      return Wrong(Fault::kForm, "extra_specs." + extra_specs::Shown(key),
                   "must be UTF-8 without NUL characters");
    }
  }
  return std::nullopt;
}

Judgement JudgeFlavor(const model::Flavor& flavor) {
  if (auto wrong = JudgeName(flavor.name)) return wrong;
  if (!flavor.flavorid.empty()) {
    if (auto wrong = JudgeFlavorId(flavor.flavorid)) return wrong;
  }
  for (const auto& [field, size] :
       {std::pair{"memory_mb", flavor.memory_mb}, std::pair{"vcpus", flavor.vcpus},
        std::pair{"root_gb", flavor.root_gb}, std::pair{"ephemeral_gb", flavor.ephemeral_gb},
        std::pair{"swap", flavor.swap_mb}}) {
    if (auto wrong = JudgeSize(field, size)) return wrong;
  }
  if (auto wrong = JudgeRxtxFactor(flavor.rxtx_factor)) return wrong;
  return JudgeChange(flavor.extra_specs, flavor.description);
}

}  // namespace kilonova::flavors::rules
