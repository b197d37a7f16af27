// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/extra_specs_ops.h"

#include <algorithm>
#include <array>

#include "common/base/python_text.h"

namespace kilonova::scheduler::filters {
namespace {

constexpr std::array<std::string_view, 14> kOperators = {"=",   "<in>", "<all-in>", "==",  "!=",
                                                         ">=",  "<=",   "s==",      "s!=", "s<",
                                                         "s<=", "s>",   "s>=",      "<or>"};

Requirement::Answer Yes(bool yes) {
  return yes ? Requirement::Answer::kYes : Requirement::Answer::kNo;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

Requirement::Requirement(std::string text) : text_(std::move(text)) {
  const auto words = PySplit(text_);
  if (words.empty() || std::ranges::find(kOperators, words[0]) == kOperators.end()) return;
  operator_ = words[0];
  words_.assign(words.begin() + 1, words.end());
}

Requirement::Answer Requirement::Match(std::string_view value) const {
  if (operator_.empty()) return Yes(value == text_);
  if (operator_ == "<or>") return words_.empty() ? Answer::kError : Yes(MatchAny(value));
  if (words_.empty()) return Answer::kNo;
  if (operator_ == "<in>") return Yes(Contains(value, words_[0]));
  if (operator_ == "<all-in>") {
    return Yes(std::ranges::all_of(
        words_, [value](const std::string& word) { return Contains(value, word); }));
  }
  if (operator_.front() != 's') return MatchNumbers(value);
  // Bytes of UTF-8 compare as code points do.
  const int order = value.compare(words_[0]);
  if (operator_ == "s==") return Yes(order == 0);
  if (operator_ == "s!=") return Yes(order != 0);
  if (operator_ == "s<") return Yes(order < 0);
  if (operator_ == "s<=") return Yes(order <= 0);
  if (operator_ == "s>") return Yes(order > 0);
  return Yes(order >= 0);
}

Requirement::Answer Requirement::MatchNumbers(std::string_view value) const {
  const auto have = PyFloat(value);
  const auto need = PyFloat(words_[0]);
  if (!have || !need) return Answer::kError;
  if (operator_ == "==") return Yes(*have == *need);
  if (operator_ == "!=") return Yes(*have != *need);
  if (operator_ == "<=") return Yes(*have <= *need);
  return Yes(*have >= *need);  // "=" has meant "at least" since Nova began
}

// Every second word; the words between are taken for "<or>" without a look.
bool Requirement::MatchAny(std::string_view value) const {
  for (std::size_t i = 0; i < words_.size(); i += 2) {
    if (words_[i] == value) return true;
  }
  return false;
}

}  // namespace kilonova::scheduler::filters
