// SPDX-License-Identifier: Apache-2.0
#include "flavors/loader/loader.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace kilonova::flavors {
namespace {

std::string ErrorOf(const std::string& text) {
  const auto flavors = ParseFlavors(text, "f.yaml");
  return flavors.ok() ? "" : Message(flavors.status());
}

const std::string kGood =
    "flavors:\n"
    "  - name: a\n"
    "    flavorid: \"1\"\n"
    "    vcpus: 2\n"
    "    memory_mb: 512\n"
    "    root_gb: 1\n";

TEST(Loader, ShippedCatalog_IsValidAndHasNovasSizes) {
  const auto flavors = LoadFlavorDir(KILONOVA_SOURCE_DIR "/flavors/catalog");
  ASSERT_TRUE(flavors.ok()) << Message(flavors.status());
  const auto small = std::ranges::find(*flavors, "m1.small", &model::Flavor::name);
  ASSERT_NE(small, flavors->end());
  EXPECT_EQ(small->flavorid, "2");
  EXPECT_EQ(small->memory_mb, 2048);
  EXPECT_EQ(small->root_gb, 20);
  const auto pinned = std::ranges::find(*flavors, "c1.pinned.4", &model::Flavor::name);
  ASSERT_NE(pinned, flavors->end());
  EXPECT_EQ(pinned->extra_specs.at("hw:cpu_policy"), "dedicated");
}

TEST(Loader, ReadsEveryField) {
  const auto flavors = ParseFlavors(
      kGood +
          "    ephemeral_gb: 3\n    swap_mb: 4\n    rxtx_factor: 1.5\n    is_public: false\n"
          "    disabled: true\n    description: d\n    extra_specs: {a: 1, 'b:c': x}\n",
      "f.yaml");
  ASSERT_TRUE(flavors.ok()) << Message(flavors.status());
  const model::Flavor& f = flavors->at(0);
  EXPECT_EQ(f.ephemeral_gb, 3);
  EXPECT_EQ(f.swap_mb, 4);
  EXPECT_DOUBLE_EQ(f.rxtx_factor, 1.5);
  EXPECT_FALSE(f.is_public);
  EXPECT_TRUE(f.disabled);
  EXPECT_EQ(f.description, "d");
  EXPECT_EQ(f.extra_specs, (model::ExtraSpecs{{"a", "1"}, {"b:c", "x"}}));
}

TEST(Loader, EveryFaultNamesFileAndLine) {
  EXPECT_EQ(ErrorOf(kGood + "    vcpu: 1\n"), "f.yaml:7: unknown key 'vcpu'");
  EXPECT_EQ(ErrorOf(kGood + "    vcpus: 3\n"), "f.yaml:7: duplicate key 'vcpus'");
  EXPECT_EQ(ErrorOf(kGood + "    swap_mb: lots\n"),
            "f.yaml:7: 'swap_mb' must be a whole number, not 'lots'");
  EXPECT_EQ(ErrorOf(kGood + "    is_public: yes\n"), "f.yaml:7: 'is_public' must be true or false");
  EXPECT_EQ(ErrorOf(kGood + "    extra_specs: [1]\n"), "f.yaml:7: 'extra_specs' must be a map");
  EXPECT_EQ(ErrorOf(kGood + "    extra_specs:\n      a: [1]\n"),
            "f.yaml:8: 'extra_specs.a' must be one value");
  EXPECT_EQ(ErrorOf(kGood + "    swap_mb: -1\n"),
            "f.yaml:7: flavor swap must be 0 to 2147483647 MiB");
  EXPECT_EQ(ErrorOf(kGood + "    rxtx_factor: 0\n"),
            "f.yaml:7: flavor rxtx_factor must be above 0 and at most 3.40282e+38");
  EXPECT_EQ(ErrorOf("flavors:\n  - name: a\n    flavorid: a\n    vcpus: 1\n    memory_mb: 1\n"),
            "f.yaml:2: missing key 'root_gb'");
  EXPECT_EQ(ErrorOf("flavors:\n  - x\n"), "f.yaml:2: a flavor must be a map");
  EXPECT_EQ(ErrorOf("flavor: []\n"), "f.yaml:1: the file must hold one list, 'flavors'");
  EXPECT_EQ(ErrorOf(kGood + "other: 1\n"), "f.yaml:7: unknown key 'other'");
  EXPECT_NE(ErrorOf("flavors: [\n"), "");
}

TEST(Loader, ReportsAllFaultsAtOnce) {
  const std::string errors = ErrorOf(kGood + "    a: 1\n    b: 2\n");
  EXPECT_THAT(errors, ::testing::HasSubstr("f.yaml:7: unknown key 'a'"));
  EXPECT_THAT(errors, ::testing::HasSubstr("f.yaml:8: unknown key 'b'"));
}

TEST(Loader, ExtraSpecsAreJudgedWhereTheyStand) {
  const std::string odd =
      kGood + "    extra_specs:\n      hw:cpu_policy: shared\n      hw:cpu_polcy: shared\n";
  EXPECT_EQ(ErrorOf(odd),
            "f.yaml:9: no extra spec is called 'hw:cpu_polcy'; did you mean 'hw:cpu_policy'?");
  EXPECT_EQ(ErrorOf(kGood + "    extra_specs:\n      a: b\n      os:monitors: 9\n"),
            "f.yaml:9: extra spec os:monitors must be a whole number, 1 to 8, not '9'");
  std::vector<std::string> warnings;
  LoadOptions options{extra_specs::Validation::kPermissive,
                      [&](const std::string& text) { warnings.push_back(text); }};
  EXPECT_TRUE(ParseFlavors(odd, "f.yaml", options).ok());
  EXPECT_THAT(warnings, ::testing::ElementsAre(::testing::StartsWith("f.yaml:9: no extra spec")));
  options.extra_specs_validation = extra_specs::Validation::kDisabled;
  EXPECT_TRUE(ParseFlavors(kGood + "    extra_specs: {'os:monitors': 9}\n", "f", options).ok());
  EXPECT_EQ(warnings.size(), 1U);
}

TEST(Loader, NovasOwnBodiesAreTaken) {
  const auto parse = [](const std::string& text) { return ParseNovaFlavor(text, "f.json"); };
  const std::string flavor =
      R"("flavor": {"name": "n", "id": 7, "ram": "512", "vcpus": 2, "disk": 1, "swap": 3})";
  const auto good =
      parse("{" + flavor + R"(, "extra_specs": {"hw:cpu_policy": "shared", "os:monitors": 2}})");
  ASSERT_TRUE(good.ok()) << Message(good.status());
  EXPECT_EQ(good->flavorid, "7");
  EXPECT_EQ(good->memory_mb, 512);
  EXPECT_EQ(good->swap_mb, 3);
  EXPECT_EQ(good->extra_specs.at("os:monitors"), "2");
  const auto error = [&](const std::string& text) {
    const auto made = parse(text);
    return made.ok() ? "" : Message(made.status());
  };
  EXPECT_EQ(error("{" + flavor + R"(, "x": 1})"), "f.json: flavor must not have 'x'");
  EXPECT_EQ(error("{" + flavor + R"(, "extra_specs": {"os:monitors": 9}})"),
            "f.json: extra spec os:monitors must be a whole number, 1 to 8, not '9'");
  EXPECT_EQ(error("{" + flavor + R"(, "extra_specs": [1]})"),
            "f.json: flavor extra_specs must be a map");
  EXPECT_EQ(error("[]"), "f.json: flavor must be a map");
  EXPECT_EQ(error("{"), "f.json: not well-formed JSON at byte 2");
  EXPECT_EQ(error(R"({"flavor": {"name": "n", "id": "a\n", "ram": 1, "vcpus": 1, "disk": 0}})"),
            "f.json: flavor flavorid must be 1 to 255 characters of letters, digits, space . _ -");
  const kilonova::testing::TempDir dir;
  const std::filesystem::path file = dir.path() / "nova_flavor.json";
  std::ofstream(file) << "{" << flavor << "}";
  const auto loaded = LoadFlavorFile(file);
  ASSERT_TRUE(loaded.ok()) << Message(loaded.status());
  EXPECT_EQ(loaded->at(0).name, "n");
}

TEST(Loader, TwinsAreRefusedAcrossFiles) {
  EXPECT_EQ(ErrorOf(kGood + "  - {name: b, flavorid: \"1\", vcpus: 1, memory_mb: 1, root_gb: 0}\n"),
            "f.yaml:7: flavorid '1' stands at f.yaml:2 too");
  const kilonova::testing::TempDir dir;
  std::ofstream(dir.File("a.yaml")) << kGood;
  std::ofstream(dir.File("b.yaml")) << kGood;
  const auto twice = LoadFlavorDir(dir.path());
  ASSERT_FALSE(twice.ok());
  EXPECT_THAT(Message(twice.status()), ::testing::HasSubstr("b.yaml:2: name 'a' stands at"));
  EXPECT_FALSE(LoadFlavorDir(dir.path() / "absent").ok());
}

}  // namespace
}  // namespace kilonova::flavors
