// SPDX-License-Identifier: Apache-2.0
// A DOM whose every text was looked at on the way in. Internal to agent/guest.
#pragma once

#include <cstdint>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace kilonova::agent::guest {

// Texts that XML could not hold or would not give back are refused: the first is remembered, and
// the document is not to be used. Texts people see go through Printable before they come here.
class XmlWriter {
 public:
  static pugi::xml_node Add(pugi::xml_node parent, const char* name) {
    return parent.append_child(name);
  }
  pugi::xml_node AddText(pugi::xml_node parent, const char* name, const std::string& text);
  static pugi::xml_node AddNumber(pugi::xml_node parent, const char* name, std::int64_t number);
  void Set(pugi::xml_node node, const char* name, const std::string& value);
  // Nothing when `value` is empty.
  void SetIf(pugi::xml_node node, const char* name, const std::string& value);
  static void SetNumber(pugi::xml_node node, const char* name, std::int64_t number);
  static void SetWord(pugi::xml_node node, const char* name, const char* word);

  const Status& status() const { return status_; }

 private:
  bool Check(const std::string& text, const char* name);

  Status status_;
};

}  // namespace kilonova::agent::guest
