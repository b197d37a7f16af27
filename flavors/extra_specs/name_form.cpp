// SPDX-License-Identifier: Apache-2.0
#include "flavors/extra_specs/name_form.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "common/base/unicode.h"

namespace kilonova::flavors::extra_specs {
namespace {

bool IsUpperWord(std::int32_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool IsGroupCharacter(std::int32_t c) {
  return IsUpperWord(c) || (c >= 'a' && c <= 'z') || c == '-';
}
bool IsDigit(std::int32_t c) { return DecimalDigit(c).has_value(); }
bool IsNoNewline(std::int32_t c) { return c != '\n'; }

struct Parameter {
  std::string_view name;
  bool (*takes)(std::int32_t);
  std::size_t least, most;
};
constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
constexpr std::array kParameters{
    Parameter{"num", IsDigit, 1, kAnyNumber},
    Parameter{"key", IsNoNewline, 1, kAnyNumber},
    Parameter{"group", IsGroupCharacter, 0, 64},
    Parameter{"resource", IsUpperWord, 1, kAnyNumber},
    Parameter{"trait", IsUpperWord, 1, kAnyNumber},
};

// The characters at `at` that `parameter` takes, as many as there are: in every form the one that
// follows a parameter, if any does, is none the parameter takes.
bool Take(const Parameter& parameter, std::string_view key, std::size_t& at) {
  std::size_t count = 0;
  while (at < key.size() && count < parameter.most) {
    std::size_t next = at;
    if (!parameter.takes(NextCodePoint(key, next))) break;
    at = next;
    ++count;
  }
  return count >= parameter.least;
}

// Any number of ":word".
void TakeFilter(std::string_view key, std::size_t& at) {
  static constexpr Parameter kWord{"", IsWord, 1, kAnyNumber};
  while (at < key.size() && key[at] == ':') {
    std::size_t next = at + 1;
    if (!Take(kWord, key, next)) return;
    at = next;
  }
}

bool TakeParameter(std::string_view name, std::string_view key, std::size_t& at) {
  if (name == "filter") {
    TakeFilter(key, at);
    return true;
  }
  for (const Parameter& parameter : kParameters) {
    if (parameter.name == name) return Take(parameter, key, at);
  }
  std::abort();  // a table names a parameter that is none
}

bool TakeCharacter(char form, std::string_view key, std::size_t& at) {
  if (at == key.size()) return false;
  return form == '.' ? IsNoNewline(NextCodePoint(key, at)) : key[at++] == form;
}

}  // namespace

bool MatchesForm(std::string_view form, std::string_view key) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == '{') {
      const std::size_t end = form.find('}', i);
      if (!TakeParameter(form.substr(i + 1, end - i - 1), key, at)) return false;
      i = end;
    } else if (!TakeCharacter(form[i], key, at)) {
      return false;
    }
  }
  return at == key.size();
}

}  // namespace kilonova::flavors::extra_specs
