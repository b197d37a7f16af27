// SPDX-License-Identifier: Apache-2.0
#include "cli/render.h"

#include <gtest/gtest.h>
#include <kilonova/v1/flavor.pb.h>

namespace kilonova::cli {
namespace {

v1::Flavor Tiny() {
  v1::Flavor flavor;
  flavor.set_name("yes");
  flavor.set_vcpus(1);
  (*flavor.mutable_extra_specs())["hw:cpu_policy"] = "dedicated";
  return flavor;
}

TEST(Render, JsonHasEveryFieldUnderItsProtoName) {
  const std::string json = Render(Tiny(), Format::kJson);
  EXPECT_NE(json.find("\"memory_mb\": \"0\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"hw:cpu_policy\": \"dedicated\""), std::string::npos) << json;
  EXPECT_TRUE(json.ends_with("}\n"));
}

TEST(Render, YamlKeepsStringsStrings) {
  const std::string yaml = Render(Tiny(), Format::kYaml);
  EXPECT_NE(yaml.find("name: \"yes\"\n"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("is_public: false\n"), std::string::npos) << yaml;
  EXPECT_EQ(JsonToYaml(R"({"a":[],"b":{"c":[1,"x\ny"]}})"),
            "a: []\nb:\n  c:\n    - 1\n    - \"x\\ny\"\n");
}

TEST(Render, ListsAreLists) {
  const v1::Flavor flavor = Tiny();
  EXPECT_TRUE(RenderList({&flavor, &flavor}, Format::kJson).starts_with("[\n"));
  EXPECT_EQ(RenderList({}, Format::kJson), "[]\n");
}

}  // namespace
}  // namespace kilonova::cli
