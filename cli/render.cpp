// SPDX-License-Identifier: Apache-2.0
#include "cli/render.h"

#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

namespace kilonova::cli {
namespace {

std::string Json(const google::protobuf::Message& message, bool pretty) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  options.add_whitespace = pretty;
  std::string text;
  // Only a message with invalid UTF-8 in a string field fails, and parsing refused such before.
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return "{}";
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

void Emit(const nlohmann::ordered_json& value, YAML::Emitter* out) {
  if (value.is_object()) {
    *out << YAML::BeginMap;
    for (const auto& [key, item] : value.items()) {
      *out << YAML::Key << key << YAML::Value;
      Emit(item, out);
    }
    *out << YAML::EndMap;
  } else if (value.is_array()) {
    if (value.empty()) *out << YAML::Flow;
    *out << YAML::BeginSeq;
    for (const auto& item : value) Emit(item, out);
    *out << YAML::EndSeq;
  } else if (value.is_string()) {
    // Quoted always: a name like "yes" or "1" stays a string.
    *out << YAML::DoubleQuoted << value.get<std::string>();
  } else {
    *out << value.dump();
  }
}

}  // namespace

std::string JsonToYaml(const std::string& json) {
  YAML::Emitter out;
  Emit(nlohmann::ordered_json::parse(json), &out);
  return std::string(out.c_str()) + "\n";
}

std::string Render(const google::protobuf::Message& message, Format format) {
  if (format == Format::kYaml) return JsonToYaml(Json(message, false));
  return Json(message, true) + "\n";
}

std::string RenderList(const std::vector<const google::protobuf::Message*>& messages,
                       Format format) {
  auto list = nlohmann::ordered_json::array();
  for (const auto* message : messages) {
    list.push_back(nlohmann::ordered_json::parse(Json(*message, false)));
  }
  return format == Format::kYaml ? JsonToYaml(list.dump()) : list.dump(1) + "\n";
}

std::string RenderLine(const google::protobuf::Message& message) { return Json(message, false); }

}  // namespace kilonova::cli
