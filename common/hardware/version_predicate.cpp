// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/version_predicate.h"

#include <algorithm>

#include "common/base/python_text.h"

namespace kilonova::hardware {
namespace {

std::optional<std::string> TakeNumber(std::string_view& text) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return std::nullopt;
  std::string_view number = text.substr(0, digits);
  text.remove_prefix(digits);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return std::string(number);
}

bool Take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

int CompareNumbers(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace

std::optional<StrictVersion> StrictVersion::Parse(std::string_view text) {
  StrictVersion version;
  for (std::size_t i = 0; i < version.numbers.size(); ++i) {
    if (i > 0 && !Take(text, ".")) {
      if (i < 2) return std::nullopt;
      break;
    }
    const auto number = TakeNumber(text);
    if (!number) return std::nullopt;
    version.numbers[i] = *number;
  }
  if (text.empty()) return version;
  version.prerelease = text.front();
  if (version.prerelease != 'a' && version.prerelease != 'b') return std::nullopt;
  text.remove_prefix(1);
  const auto number = TakeNumber(text);
  if (!number || !text.empty()) return std::nullopt;
  version.prerelease_number = *number;
  return version;
}

std::optional<StrictVersion> StrictVersion::OfHypervisor(std::int64_t version) {
  if (version <= 0) return std::nullopt;
  std::string text;
  for (; version != 0; version /= 1000) {
    text = std::to_string(version % 1000) + (text.empty() ? "" : ".") + text;
  }
  return Parse(text);
}

int StrictVersion::Compare(const StrictVersion& other) const {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const int order = CompareNumbers(numbers[i], other.numbers[i]);
    if (order != 0) return order;
  }
  if (prerelease != other.prerelease) return prerelease < other.prerelease ? -1 : 1;
  return CompareNumbers(prerelease_number, other.prerelease_number);
}

std::optional<VersionPredicate> VersionPredicate::Parse(std::string_view text) {
  if (text.find('\n') != std::string_view::npos) return std::nullopt;
  VersionPredicate predicate;
  for (std::string_view piece : PySplitComma(text)) {
    piece = PyStrip(piece);
    std::string comparison;
    for (const std::string_view known : {"<=", ">=", "<", ">", "!=", "=="}) {
      if (comparison.empty() && Take(piece, known)) comparison = known;
    }
    if (comparison.empty()) return std::nullopt;
    const auto version = StrictVersion::Parse(PyStrip(piece));
    if (!version) return std::nullopt;
    predicate.conditions_.emplace_back(comparison, *version);
  }
  return predicate;
}

bool VersionPredicate::Satisfied(const StrictVersion& version) const {
  return std::ranges::all_of(conditions_, [&](const auto& condition) {
    const int order = version.Compare(condition.second);
    const std::string& comparison = condition.first;
    if (comparison == "<") return order < 0;
    if (comparison == "<=") return order <= 0;
    if (comparison == ">") return order > 0;
    if (comparison == ">=") return order >= 0;
    return comparison == "==" ? order == 0 : order != 0;
  });
}

}  // namespace kilonova::hardware
