// SPDX-License-Identifier: Apache-2.0
#include "flavors/extra_specs/value_form.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/base/unicode.h"

namespace kilonova::flavors::extra_specs {
namespace {

// Eats a text from its front.
class Eater {
 public:
  explicit Eater(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool Literal(std::string_view literal) {
    if (!text_.starts_with(literal)) return false;
    text_.remove_prefix(literal.size());
    return true;
  }
  bool OneOf(std::string_view characters) {
    if (done() || characters.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  // As many as there are; false if there is none. Digits of any script.
  bool Digits() {
    return Run([](std::int32_t c) { return DecimalDigit(c).has_value(); });
  }
  bool Spaces() { return Run(IsSpace); }

 private:
  template <class Test>
  bool Run(Test test) {
    std::size_t end = 0;
    for (std::size_t at = 0; at < text_.size() && test(NextCodePoint(text_, at));) end = at;
    text_.remove_prefix(end);
    return end > 0;
  }

  std::string_view text_;
};

bool IsCpuList(std::string_view value) {
  Eater in(value);
  in.Literal("^");
  if (!in.Digits()) return false;
  while (!in.done()) {
    if (in.Literal(",")) {
      in.Literal("^");
    } else if (!in.Literal("-")) {
      return false;
    }
    if (!in.Digits()) return false;
  }
  return true;
}

bool IsPageSize(std::string_view value) {
  if (value == "large" || value == "small" || value == "any") return true;
  Eater in(value);
  if (!in.Digits()) return false;
  if (in.OneOf("kKMGT")) in.Literal("i");
  if (!in.Literal("bit") && !in.Literal("b")) in.Literal("B");
  return in.done();
}

bool IsLabels(std::string_view value) {
  bool after_word = false;
  for (const char c : value) {
    if (c == ',') {
      if (!after_word) return false;
      after_word = false;
    } else if (c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
               (c >= 'A' && c <= 'Z')) {
      after_word = true;
    } else {
      return false;
    }
  }
  return !value.empty() && value.front() != ',';
}

// Between two colons stand the count of one alias, a comma and the name of the next, which may
// hold anything but colons.
bool IsCountAndNextAlias(std::string_view piece) {
  Eater in(piece);
  if (!in.Digits()) return false;
  in.Spaces();
  return in.Literal(",") && !in.done();
}

bool IsPciAliases(std::string_view value) {
  std::size_t colon = value.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  value.remove_prefix(colon + 1);
  while ((colon = value.find(':')) != std::string_view::npos) {
    if (!IsCountAndNextAlias(value.substr(0, colon))) return false;
    value.remove_prefix(colon + 1);
  }
  Eater in(value);
  return in.Digits() && in.done();
}

}  // namespace

bool HasForm(ValueForm form, std::string_view value) {
  switch (form) {
    case ValueForm::kFree:
      return true;
    case ValueForm::kCpuList:
      return IsCpuList(value);
    case ValueForm::kPageSize:
      return IsPageSize(value);
    case ValueForm::kLabels:
      return IsLabels(value);
    case ValueForm::kPciAliases:
      return IsPciAliases(value);
  }
  return false;
}

std::string_view PatternOf(ValueForm form) {
  switch (form) {
    case ValueForm::kFree:
      return "";
    case ValueForm::kCpuList:
      return R"(\^?\d+((-\d+)?(,\^?\d+(-\d+)?)?)*)";
    case ValueForm::kPageSize:
      return R"((large|small|any|\d+([kKMGT]i?)?(b|bit|B)?))";
    case ValueForm::kLabels:
      return R"(([a-zA-Z0-9_]+(,)?)+)";
    case ValueForm::kPciAliases:
      return R"([^:]+:\d+(?:\s*,\s*[^:]+:\d+)*)";
  }
  return "";
}

}  // namespace kilonova::flavors::extra_specs
