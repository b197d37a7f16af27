// SPDX-License-Identifier: Apache-2.0
// The known key an unknown one most looks like.
#include <absl/strings/ascii.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "flavors/extra_specs/name_form.h"
#include "flavors/extra_specs/registry.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::size_t kLongestKey = 128;  // longer ones look like none

// Letters to change, add, drop or swap with their neighbour to make one of the other; anything
// above `most` reads as most + 1. Both texts are at most kLongestKey long.
std::size_t Distance(std::string_view a, std::string_view b, std::size_t most) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > most) return most + 1;
  using Line = std::array<std::size_t, kLongestKey + 1>;
  std::array<Line, 3> lines;  // this one and the two before it
  for (std::size_t j = 0; j <= b.size(); ++j) lines[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    Line& line = lines[i % 3];
    const Line& last = lines[(i + 2) % 3];
    const Line& before_last = lines[(i + 1) % 3];
    line[0] = i;
    std::size_t least = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = absl::ascii_tolower(a[i - 1]) == absl::ascii_tolower(b[j - 1]);
      const std::size_t change = last[j - 1] + (same ? 0 : 1);
      line[j] = std::min({change, last[j] + 1, line[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        line[j] = std::min(line[j], before_last[j - 2] + 1);
      }
      least = std::min(least, line[j]);
    }
    if (least > most) return most + 1;
  }
  return std::min(lines[a.size() % 3][b.size()], most + 1);
}

// The key that `form` makes with the parameters `key` seems to have; "" if that cannot be told.
std::string Filled(std::string_view form, std::string_view key) {
  const std::size_t open = form.find('{');
  if (open == std::string_view::npos) return std::string(form);
  const std::size_t close = form.find('}', open);
  const std::string_view parameter = form.substr(open + 1, close - open - 1);
  const std::string_view rest = form.substr(close + 1);
  std::string_view value;
  if (parameter == "num") {
    const std::size_t digits = key.find_last_not_of("0123456789") + 1;
    value = digits < key.size() ? key.substr(digits) : "0";
  } else if (parameter == "group") {
    // The namespace itself may be misspelt: only what follows its length counts.
    const std::string_view space = key.substr(0, key.find(':'));
    if (space.starts_with(form.substr(0, open))) value = space.substr(open);
  } else if (parameter != "filter") {
    return "";
  }
  if (rest.find('{') != std::string_view::npos) return "";
  std::string filled(form.substr(0, open));
  filled += value;
  filled += rest;
  return filled;
}

}  // namespace

std::string NearestKey(std::string_view key) {
  if (key.size() > kLongestKey) return "";
  std::size_t most = std::clamp<std::size_t>(key.size() / 5, 1, 4);
  std::string nearest;
  for (const ExtraSpec& spec : All()) {
    std::string candidate = Filled(spec.name, key);
    if (candidate.size() > kLongestKey || !MatchesForm(spec.name, candidate)) continue;
    const std::size_t distance = Distance(key, candidate, most);
    if (distance > most || candidate == key) continue;
    nearest = std::move(candidate);
    if (distance == 0) break;
    most = distance - 1;
  }
  return nearest;
}

}  // namespace kilonova::flavors::extra_specs
