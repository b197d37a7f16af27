// SPDX-License-Identifier: Apache-2.0
// Every captured message goes through the codec and comes out unchanged; another JSON library says
// so. KILONOVA_CAPTURES may name a larger tree of the same shape.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "proto/oslo/decode.h"
#include "proto/oslo/envelope.h"
#include "proto/oslo/object.h"

namespace kilonova::oslo {
namespace {

using Library = nlohmann::ordered_json;
namespace fs = std::filesystem;

fs::path Root() {
  const char* there = std::getenv("KILONOVA_CAPTURES");
  return there != nullptr ? fs::path(there) : fs::path(KILONOVA_SOURCE_DIR) / "tests" / "captures";
}

// Takes every object apart and puts it together again.
Json Rebuilt(const Json& json, std::set<std::string>* kinds) {
  if (const Json::Array* array = json.AsArray()) {
    Json::Array out;
    for (const Json& element : *array) out.push_back(Rebuilt(element, kinds));
    return Json(std::move(out));
  }
  if (json.AsObject() == nullptr) return json;
  if (LooksLikeObject(json)) {
    Object object = ReadObject(json, "x").value();
    kinds->insert(object.name);
    object.data = Rebuilt(object.data, kinds);
    return WriteObject(object);
  }
  Json out = Json::MakeObject();
  for (const Json::Member& member : *json.AsObject()) {
    out.AsObject()->push_back({member.key, Rebuilt(member.value, kinds)});
  }
  return out;
}

TEST(Captures, EveryMessageComesOutUnchanged) {
  std::size_t count = 0, calls = 0;
  std::set<std::string> kinds, methods;
  for (const auto& entry : fs::recursive_directory_iterator(Root())) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    const Library capture = Library::parse(file, nullptr, false);
    if (!capture.is_object() || !capture.contains("oslo.message")) continue;
    SCOPED_TRACE(entry.path().string());
    ++count;
    const std::string inner = capture["oslo.message"].dump();
    const std::string body =
        Library{{"oslo.version", capture["oslo.version"]}, {"oslo.message", inner}}.dump();
    ASSERT_EQ(OpenEnvelope(body).value(), inner);
    const auto json = ParseJson(inner);
    ASSERT_TRUE(json.ok()) << Describe(json.status());
    // Order, number forms and text, told by somebody else's eyes.
    ASSERT_EQ(Library::parse(DumpJson(*json)).dump(), inner);
    ASSERT_EQ(Rebuilt(*json, &kinds), *json);
    ASSERT_TRUE(CheckObjects(*json, "message").ok()) << CheckObjects(*json, "message");
    if (json->Find("method") == nullptr) continue;
    ++calls;
    const auto message = ReadRpc(*json);
    ASSERT_TRUE(message.ok()) << Describe(message.status());
    ASSERT_EQ(WriteRpc(*message), *json);
    methods.insert(message->method);
  }
  RecordProperty("messages", static_cast<int>(count));
  std::printf("%zu messages, %zu calls and casts, %zu methods, %zu kinds of objects\n", count,
              calls, methods.size(), kinds.size());
  EXPECT_GE(count, 60U);
  EXPECT_GE(kinds.size(), 40U);
  for (const char* method : {"build_and_run_instance", "terminate_instance", "start_instance",
                             "stop_instance", "reboot_instance"}) {
    EXPECT_TRUE(methods.contains(method)) << method;
  }
}

TEST(Captures, EveryRequestToAComputeHostIsUnderstoodOrRefused) {
  std::size_t understood = 0;
  for (const auto& entry : fs::recursive_directory_iterator(Root())) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    const Library capture = Library::parse(file, nullptr, false);
    if (!capture.is_object() || !capture.contains("oslo.message")) continue;
    const auto& message = capture["oslo.message"];
    if (!message.contains("method")) continue;
    SCOPED_TRACE(entry.path().string());
    const auto received = DecodeInner(message.dump(), {.require_ticket = false});
    const bool to_compute = capture["to"] == "nova-compute" && capture["kind"] == "cast";
    static const std::set<std::string> kServed = {"build_and_run_instance", "terminate_instance",
                                                  "start_instance", "stop_instance",
                                                  "reboot_instance"};
    if (to_compute && kServed.contains(message["method"].get<std::string>())) {
      EXPECT_TRUE(received.ok()) << Describe(received.status());
      ++understood;
    } else {
      EXPECT_EQ(ReasonOf(received.status()), "RPC_METHOD_UNKNOWN");
    }
  }
  EXPECT_GE(understood, 8U);
}

}  // namespace
}  // namespace kilonova::oslo
