// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>

namespace kilonova::cli {

std::string Printable(const std::string& text) {
  std::string out = text;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    // C1 controls are two bytes in UTF-8, 0xC2 0x80-0x9F, and terminals obey them as well.
    const bool c1 =
        byte == 0xC2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F) out[i] = '?';
    if (c1) out.replace(i, 2, "?");
  }
  return out;
}

std::size_t DisplayWidth(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void Table::Add(std::vector<std::string> row) {
  row.resize(heading_.size());
  for (std::string& cell : row) cell = Printable(cell);
  rows_.push_back(std::move(row));
}

std::string Table::Text() const {
  std::vector<std::size_t> widths;
  for (const std::string& cell : heading_) widths.push_back(DisplayWidth(cell));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
    }
  }
  std::string text;
  const auto line = [&](const std::vector<std::string>& row) {
    std::string out;
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - DisplayWidth(row[i]) + 2, ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1);
    text += out + "\n";
  };
  line(heading_);
  for (const auto& row : rows_) line(row);
  return text;
}

std::string KeyValues(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::size_t width = 0;
  for (const auto& [key, value] : pairs) {
    if (!value.empty()) width = std::max(width, DisplayWidth(key));
  }
  std::string text;
  for (const auto& [key, value] : pairs) {
    if (value.empty()) continue;
    text += key;
    text.append(width - DisplayWidth(key) + 2, ' ');
    text += Printable(value) + "\n";
  }
  return text;
}

}  // namespace kilonova::cli
