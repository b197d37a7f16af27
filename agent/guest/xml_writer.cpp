// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/xml_writer.h"

#include "agent/guest/text.h"

namespace kilonova::agent::guest {

bool XmlWriter::Check(const std::string& text, const char* name) {
  if (IsPrintable(text)) return true;
  if (status_.ok()) status_ = RequirePrintable(text, name);
  return false;
}

pugi::xml_node XmlWriter::AddText(pugi::xml_node parent, const char* name,
                                  const std::string& text) {
  auto node = Add(parent, name);
  if (Check(text, name)) node.text().set(text.c_str());
  return node;
}

pugi::xml_node XmlWriter::AddNumber(pugi::xml_node parent, const char* name, std::int64_t number) {
  auto node = Add(parent, name);
  node.text().set(static_cast<long long>(number));
  return node;
}

void XmlWriter::Set(pugi::xml_node node, const char* name, const std::string& value) {
  if (Check(value, name)) node.append_attribute(name).set_value(value.c_str());
}

void XmlWriter::SetIf(pugi::xml_node node, const char* name, const std::string& value) {
  if (!value.empty()) Set(node, name, value);
}

void XmlWriter::SetNumber(pugi::xml_node node, const char* name, std::int64_t number) {
  node.append_attribute(name).set_value(static_cast<long long>(number));
}

void XmlWriter::SetWord(pugi::xml_node node, const char* name, const char* word) {
  node.append_attribute(name).set_value(word);
}

}  // namespace kilonova::agent::guest
