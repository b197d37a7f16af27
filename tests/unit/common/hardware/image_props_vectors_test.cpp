// SPDX-License-Identifier: Apache-2.0
// What real Nova reads out of image properties: tests/tools/image_props_vectors.py writes the file.
#include <gtest/gtest.h>

#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/hardware/image_props.h"
#include "tests/support/nova_vectors.h"

namespace kilonova::hardware {
namespace {

using Json = nlohmann::json;

Json JsonOf(const ImageProps& props) {
  Json json = Json::object();
  for (const auto& [name, value] : props.Values()) {
    std::visit([&](const auto& held) { json[name] = held; }, value);
  }
  if (props.NumaCpus()) {
    json["hw_numa_cpus"] = Json::array();
    for (const auto& cpus : *props.NumaCpus()) {
      json["hw_numa_cpus"].push_back(cpus.ToVector());
    }
  }
  if (props.NumaMem()) json["hw_numa_mem"] = *props.NumaMem();
  if (!props.TraitsRequired().empty()) json["traits_required"] = props.TraitsRequired();
  return json;
}

// Nova's integers have no bound; ours end at int64's.
Json Bounded(Json result) {
  if (!result.contains("values")) return result;
  for (auto& value : result["values"]) {
    if (value.is_number_float()) value = std::numeric_limits<std::int64_t>::max();
  }
  return result;
}

TEST(ImagePropsVectors, AreReadAsByNova) {
  const Json file = Json::parse(kilonova::testing::ReadVectors("known_image_props.json"));
  std::size_t right = 0;
  for (const Json& vector : file.at("vectors")) {
    const auto props =
        ImageProps::From(vector.at("properties").get<std::map<std::string, std::string>>());
    Json ours;
    if (props.ok()) {
      ours = {{"values", JsonOf(*props)}};
    } else {
      EXPECT_TRUE(HasReason(props.status(), reason::kImageInvalid)) << props.status();
      ours = {{"error", DetailsOf(props.status())["nova_exception"]}};
    }
    const Json novas = Bounded(vector.at("result"));
    EXPECT_EQ(ours, novas) << vector.at("id") << " " << vector.at("properties");
    right += ours == novas ? 1 : 0;
  }
  std::cout << right << " of " << file.at("vectors").size() << " image properties\n";
  EXPECT_GT(right, 1000U);
}

}  // namespace
}  // namespace kilonova::hardware
