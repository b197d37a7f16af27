// SPDX-License-Identifier: Apache-2.0
// Flavors and images that Nova's API or its scheduler refuse together, each by the class of its
// exception: tests/vectors/contradictions.json, which tests/tools/contradiction_vectors.py writes.
#include <gmock/gmock.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

// The rig means gtest's namespace testing, and is to be read before ours is known.
// clang-format off
#include "tests/unit/scheduler/conductor/rig.h"
#include "tests/support/nova_vectors.h"
// clang-format on

namespace kilonova::scheduler::core {
namespace {

using nlohmann::json;

class Contradictions : public ConductorTest {
 protected:
  const json file_ = json::parse(kilonova::testing::ReadVectors("contradictions.json"));

  void SetUp() override {
    rig_.Close();
    rig_.options().pci_aliases =
        hardware::PciAliases::Parse(file_.at("aliases").get<std::vector<std::string>>()).value();
    rig_.Open();
    rig_.AddCatalog();
  }

  static model::Flavor FlavorOf(const json& vector) {
    const json& from = vector.at("flavor");
    model::Flavor flavor;
    flavor.flavorid = flavor.name = vector.at("id");
    flavor.vcpus = from.at("vcpus");
    flavor.memory_mb = from.at("memory_mb");
    flavor.root_gb = from.at("root_gb");
    flavor.extra_specs = from.at("extra_specs").get<model::ExtraSpecs>();
    return flavor;
  }

  static model::ImageSource ImageOf(const json& vector) {
    const json& from = vector.at("image");
    model::ImageSource image;
    image.name = vector.at("id");
    image.url = "file:///images/" + image.name + ".qcow2";
    image.sha256 = std::string(64, 'b');
    image.disk_format = "qcow2";
    image.min_ram_mb = from.value("min_ram", 0);
    image.min_disk_gb = from.value("min_disk", 0);
    image.size_bytes = from.value("size", std::uint64_t{0});
    image.properties = from.at("properties").get<std::map<std::string, std::string>>();
    return image;
  }

  // What becomes of a server of both.
  Status Create(const json& vector) {
    RETURN_IF_ERROR(rig_.conductor->CreateFlavor(FlavorOf(vector)).status());
    RETURN_IF_ERROR(rig_.conductor->RegisterImage(ImageOf(vector)).status());
    CreateRequest request = Rig::Request(vector.at("id"));
    request.instance.flavor = request.instance.image = vector.at("id");
    return rig_.conductor->CreateInstances(request).status();
  }
};

TEST_F(Contradictions, AreRefusedAtCreationAsByNova) {
  std::set<std::string> classes;
  int sound = 0;
  for (const json& vector : file_.at("vectors")) {
    const Status status = Create(vector);
    const json& error = vector.at("result").at("error");
    const Details details = DetailsOf(status);
    const auto met = details.find("nova_exception");
    const std::string ours = met == details.end() ? "" : met->second;
    if (error.is_null()) {
      // No host is there to take it; or Placement would not have the question.
      const bool asked_badly =
          details.contains("field") && details.at("field").starts_with("resources");
      EXPECT_TRUE(status.ok() || HasReason(status, reason::kNoValidHost) || asked_badly)
          << vector.dump() << Describe(status);
      ++sound;
      continue;
    }
    EXPECT_EQ(ours, error.get<std::string>()) << vector.dump() << Describe(status);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << vector.dump() << Describe(status);
    classes.insert(ours);
  }
  EXPECT_GE(classes.size(), 30U);
  EXPECT_GE(sound, 20);
  std::cout << file_.at("vectors").size() << " pairs, " << classes.size() << " classes\n";
}

}  // namespace
}  // namespace kilonova::scheduler::core
