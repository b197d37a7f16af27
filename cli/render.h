// SPDX-License-Identifier: Apache-2.0
// Any answer as JSON (protobuf's JSON mapping with proto field names, every field present) or YAML.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace google::protobuf {
class Message;
}

namespace kilonova::cli {

// One message: an object. Ends with a newline.
std::string Render(const google::protobuf::Message& message, Format format);
// Several: a list.
std::string RenderList(const std::vector<const google::protobuf::Message*>& messages,
                       Format format);
// One line without a newline, for streams.
std::string RenderLine(const google::protobuf::Message& message);
// JSON text as YAML; public for its test.
std::string JsonToYaml(const std::string& json);

}  // namespace kilonova::cli
