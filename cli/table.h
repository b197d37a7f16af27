// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace kilonova::cli {

// Columns padded with spaces, two between them, heading in capitals. Control characters of values
// are shown as '?': a hostile name must not drive the terminal.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : heading_(std::move(heading)) {}
  void Add(std::vector<std::string> row);
  std::string Text() const;

 private:
  std::vector<std::string> heading_;
  std::vector<std::vector<std::string>> rows_;
};

// "field  value" lines; empty values are left out.
std::string KeyValues(const std::vector<std::pair<std::string, std::string>>& pairs);

// `text` without control characters, UTF-8 kept.
std::string Printable(const std::string& text);
// Columns a terminal needs for `text`, counting UTF-8 sequences as one each.
std::size_t DisplayWidth(const std::string& text);

}  // namespace kilonova::cli
