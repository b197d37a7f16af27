// SPDX-License-Identifier: Apache-2.0
// Nova's versioned objects, of any kind: what every one of them looks like on the wire. Fields this
// code has never heard of are kept, so reading and writing changes nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "proto/oslo/json.h"

namespace kilonova::oslo {

struct Object {
  std::string name;  // "Instance"
  std::string object_namespace = "nova";
  std::string version;                              // "2.7"
  Json data = Json::MakeObject();                   // field -> value; nested objects as they came
  std::optional<std::vector<std::string>> changes;  // nova_object.changes, in the sender's order
  Json rest = Json::MakeObject();                   // members that are none of the above
};

// True for what has an object's name and data. A user's metadata may hold keys that look alike, but
// its values are strings, and data is not.
bool LooksLikeObject(const Json& json);

// OBJECT_INVALID, with `path` as the detail "field", when a member is missing or has another type.
Expected<Object> ReadObject(const Json& json, std::string_view path);
Json WriteObject(const Object& object);

// An object of the version this codec speaks.
Json MakeObject(std::string_view name, Json data, std::vector<std::string> changes = {});

// OBJECT_UNKNOWN and OBJECT_VERSION_INCOMPATIBLE, with the details "field", "object", "version" and
// "spoken".
Status CheckObjectVersion(const Object& object, std::string_view path);

// Checks every object anywhere in `json`.
Status CheckObjects(const Json& json, const std::string& path);

}  // namespace kilonova::oslo
