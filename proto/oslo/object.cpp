// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/object.h"

#include <utility>

#include "proto/oslo/registry.h"

namespace kilonova::oslo {
namespace {

constexpr std::string_view kName = "nova_object.name";
constexpr std::string_view kNamespace = "nova_object.namespace";
constexpr std::string_view kVersion = "nova_object.version";
constexpr std::string_view kData = "nova_object.data";
constexpr std::string_view kChanges = "nova_object.changes";

Status Invalid(std::string_view path, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kObjectInvalid,
               std::string(path) + " " + std::string(message), {{"field", std::string(path)}});
}

Status ReadChanges(const Json& value, std::string_view path, Object* object) {
  const Json::Array* names = value.AsArray();
  if (names == nullptr) return Invalid(path, "has changes that are no list");
  auto& changes = object->changes.emplace();
  for (const Json& name : *names) {
    if (name.AsString() == nullptr) return Invalid(path, "has a change that is no name");
    changes.push_back(*name.AsString());
  }
  return OkStatus();
}

Status ReadMember(const Json::Member& member, std::string_view path, Object* object) {
  const auto text = [&](std::string* to) -> Status {
    if (member.value.AsString() == nullptr) return Invalid(path, member.key + " is not a string");
    *to = *member.value.AsString();
    return OkStatus();
  };
  if (member.key == kName) return text(&object->name);
  if (member.key == kNamespace) return text(&object->object_namespace);
  if (member.key == kVersion) return text(&object->version);
  if (member.key == kChanges) return ReadChanges(member.value, path, object);
  if (member.key != kData) {
    object->rest.AsObject()->push_back(member);
    return OkStatus();
  }
  if (member.value.AsObject() == nullptr) return Invalid(path, "has data that is no object");
  object->data = member.value;
  return OkStatus();
}

// Without copying the object, as CheckObjects visits each of them.
Status CheckHead(const Json& json, std::string_view path) {
  Object head;
  for (const Json::Member& member : *json.AsObject()) {
    if (member.key == kData) continue;
    RETURN_IF_ERROR(ReadMember(member, path, &head));
  }
  return CheckObjectVersion(head, path);
}

}  // namespace

bool LooksLikeObject(const Json& json) {
  const Json* data = json.Find(kData);
  return data != nullptr && data->AsObject() != nullptr && json.Find(kName) != nullptr;
}

Expected<Object> ReadObject(const Json& json, std::string_view path) {
  const Json::Object* members = json.AsObject();
  if (members == nullptr) return Invalid(path, "is not an object");
  for (const std::string_view key : {kName, kNamespace, kVersion, kData}) {
    if (json.Find(key) == nullptr) return Invalid(path, "lacks " + std::string(key));
  }
  Object object;
  for (const Json::Member& member : *members) RETURN_IF_ERROR(ReadMember(member, path, &object));
  return object;
}

Json WriteObject(const Object& object) {
  Json out = Json::MakeObject({{std::string(kName), object.name},
                               {std::string(kNamespace), object.object_namespace},
                               {std::string(kVersion), object.version},
                               {std::string(kData), object.data}});
  if (object.changes) {
    Json::Array names(object.changes->begin(), object.changes->end());
    out.AsObject()->push_back({std::string(kChanges), Json(std::move(names))});
  }
  for (const Json::Member& member : *object.rest.AsObject()) out.AsObject()->push_back(member);
  return out;
}

Json MakeObject(std::string_view name, Json data, std::vector<std::string> changes) {
  Object object;
  object.name = name;
  object.version = SpokenVersion(name).value_or(Version{}).Text();
  object.data = std::move(data);
  if (!changes.empty()) object.changes = std::move(changes);
  return WriteObject(object);
}

Status CheckObjectVersion(const Object& object, std::string_view path) {
  const auto spoken = SpokenVersion(object.name);
  if (object.object_namespace != "nova" || !spoken) {
    return Error(Code::kInvalidArgument, reason::kObjectUnknown,
                 std::string(path) + " is an object of an unknown kind",
                 {{"field", std::string(path)}, {"object", object.name}});
  }
  const auto version = ParseVersion(object.version);
  if (!version) return Invalid(path, "has no valid version");
  if (spoken->Understands(*version)) return OkStatus();
  return Error(Code::kInvalidArgument, reason::kObjectVersionIncompatible,
               std::string(path) + " is " + object.name + " of a version that is not spoken here",
               {{"field", std::string(path)},
                {"object", object.name},
                {"version", version->Text()},
                {"spoken", spoken->Text()}});
}

Status CheckObjects(const Json& json, const std::string& path) {
  if (const Json::Array* array = json.AsArray()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      RETURN_IF_ERROR(CheckObjects((*array)[i], path + "[" + std::to_string(i) + "]"));
    }
    return OkStatus();
  }
  if (json.AsObject() == nullptr) return OkStatus();
  if (LooksLikeObject(json)) {
    RETURN_IF_ERROR(CheckHead(json, path));
    return CheckObjects(*json.Find(kData), path);
  }
  for (const Json::Member& member : *json.AsObject()) {
    RETURN_IF_ERROR(CheckObjects(member.value, path + "." + member.key));
  }
  return OkStatus();
}

}  // namespace kilonova::oslo
