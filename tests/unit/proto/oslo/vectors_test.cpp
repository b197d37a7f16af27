// SPDX-License-Identifier: Apache-2.0
// Objects as real Nova serialised them (tests/vectors/rpc_objects.json): each is known, in its
// version, and goes through the codec unchanged. KILONOVA_VECTORS may name another directory.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "proto/oslo/object.h"
#include "proto/oslo/registry.h"
#include "proto/oslo/views.h"

namespace kilonova::oslo {
namespace {

using Library = nlohmann::json;

const Library& Vectors() {
  static const Library vectors = [] {
    const char* there = std::getenv("KILONOVA_VECTORS");
    const std::string folder =
        there != nullptr ? there : std::string(KILONOVA_SOURCE_DIR) + "/tests/vectors";
    std::ifstream file(folder + "/rpc_objects.json");
    return Library::parse(file);
  }();
  return vectors;
}

Json Rebuilt(const Json& json) {
  if (const Json::Array* array = json.AsArray()) {
    Json::Array out;
    for (const Json& element : *array) out.push_back(Rebuilt(element));
    return Json(std::move(out));
  }
  if (json.AsObject() == nullptr) return json;
  if (LooksLikeObject(json)) {
    Object object = ReadObject(json, "x").value();
    object.data = Rebuilt(object.data);
    return WriteObject(object);
  }
  Json out = Json::MakeObject();
  for (const Json::Member& member : *json.AsObject()) {
    out.AsObject()->push_back({member.key, Rebuilt(member.value)});
  }
  return out;
}

void ReadTyped(const std::string& kind, const Json& json, Status* status) {
  Reader data = Reader::OfNova(&json, kind, kind, status);
  if (kind == "Instance") ReadInstance(data);
  if (kind == "Flavor") ReadFlavor(data);
  if (kind == "RequestSpec") ReadRequestSpec(data);
  if (kind == "ImageMeta") ReadImageMeta(data);
  if (kind == "InstanceNUMATopology") ReadNumaTopology(data);
  if (kind == "InstancePCIRequests") ReadPciRequests(data);
  if (kind == "SchedulerLimits") ReadSchedulerLimits(data);
  if (kind == "Selection") ReadSelection(data);
  const Json args = Json::MakeObject({{"x", json}});
  Reader parent(&args, "args", status);
  if (kind == "NetworkRequestList") ReadNetworkRequests(parent, "x");
  if (kind == "BlockDeviceMappingList") ReadBlockDevices(parent, "x");
}

void CheckPrimitive(const Library& primitive) {
  const std::string text = primitive.dump();
  const auto json = ParseJson(text);
  ASSERT_TRUE(json.ok()) << Describe(json.status());
  EXPECT_EQ(Library::parse(DumpJson(*json)).dump(), text);
  EXPECT_EQ(Rebuilt(*json), *json);
  const Status checked = CheckObjects(*json, "object");
  EXPECT_TRUE(checked.ok()) << Describe(checked);
}

TEST(ObjectVectors, RegistrySpeaksNovasVersions) {
  for (const auto& [name, object] : Vectors()["objects"].items()) {
    const auto spoken = SpokenVersion(name);
    ASSERT_TRUE(spoken.has_value()) << name;
    EXPECT_EQ(spoken->Text(), object["version"].get<std::string>()) << name;
  }
  EXPECT_GE(Vectors()["objects"].size(), 100U);
}

TEST(ObjectVectors, EveryPrimitiveComesOutUnchanged) {
  std::size_t count = 0;
  for (const Library& vector : Vectors()["vectors"]) {
    SCOPED_TRACE(vector["name"].get<std::string>());
    CheckPrimitive(vector["primitive"]);
    const Json json = ParseJson(vector["primitive"].dump()).value();
    Status status;
    ReadTyped(vector["object"].get<std::string>(), json, &status);
    EXPECT_TRUE(status.ok()) << Describe(status);
    ++count;
  }
  std::printf("%zu objects\n", count);
  EXPECT_GE(count, 30U);
}

TEST(ObjectVectors, OlderVersionsAreUnderstood) {
  for (const Library& vector : Vectors()["backlevel"]) CheckPrimitive(vector["primitive"]);
  EXPECT_FALSE(Vectors()["backlevel"].empty());
}

}  // namespace
}  // namespace kilonova::oslo
