// SPDX-License-Identifier: Apache-2.0
// The little language of extra spec values: "s== ssd", ">= 4", "<or> a <or> b", "<in> sse",
// "<all-in> sse aes", or just a value to equal. Numbers are read as Python reads them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kilonova::scheduler::filters {

class Requirement {
 public:
  enum class Answer { kNo, kYes, kError };  // kError: Python would raise

  explicit Requirement(std::string text);
  Answer Match(std::string_view value) const;
  const std::string& text() const { return text_; }

 private:
  Answer MatchNumbers(std::string_view value) const;
  bool MatchAny(std::string_view value) const;

  std::string text_;
  std::string operator_;  // "" = none: the whole text must equal
  std::vector<std::string> words_;
};

}  // namespace kilonova::scheduler::filters
