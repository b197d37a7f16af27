// SPDX-License-Identifier: Apache-2.0
// Texts that trip whoever pastes them into XML, JSON, a path, a format or a terminal.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace kilonova::testing {

// Up to eight nasty pieces; some results are not UTF-8, some are empty.
inline std::string NastyString(std::mt19937& random) {
  static const std::vector<std::string> kPieces{
      "</name>",
      "<!--",
      "-->",
      "]]>",
      "<![CDATA[",
      "&amp;",
      "&#0;",
      "&#x0a;",
      "&",
      "<",
      ">",
      "'",
      "\"",
      "<?xml?>",
      "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
      "&e;",
      "../../",
      "\n",
      "\r\n",
      "\t",
      "\x01",
      "\x1b[2J",
      "\x7f",
      std::string(1, '\0'),
      "\xC2\x85",
      "\xEF\xBF\xBE",
      "\xED\xA0\x80",
      "\xC0\xAF",
      "\xFF",
      "\xF0\x9F\x92\xA5",
      "\xE2\x80\xAE",
      "\xCC\x81",
      "%s%n",
      "$(reboot)",
      "`id`",
      "{{}}",
      "\\",
      "\\u0000",
      " ",
      "x",
      std::string(300, 'a')};
  std::string text;
  const int pieces = std::uniform_int_distribution<int>(0, 8)(random);
  for (int i = 0; i < pieces; ++i) {
    text += kPieces[std::uniform_int_distribution<std::size_t>(0, kPieces.size() - 1)(random)];
  }
  return text;
}

}  // namespace kilonova::testing
