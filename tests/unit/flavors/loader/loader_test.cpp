// SPDX-License-Identifier: Apache-2.0
#include "flavors/loader/loader.h"

#include <gmock/gmock.h>

#include <fstream>

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
  EXPECT_THAT(errors, testing::HasSubstr("f.yaml:7: unknown key 'a'"));
  EXPECT_THAT(errors, testing::HasSubstr("f.yaml:8: unknown key 'b'"));
}

TEST(Loader, TwinsAreRefusedAcrossFiles) {
  EXPECT_EQ(ErrorOf(kGood + "  - {name: b, flavorid: \"1\", vcpus: 1, memory_mb: 1, root_gb: 0}\n"),
            "f.yaml:7: flavorid '1' stands at f.yaml:2 too");
  const std::filesystem::path dir = testing::TempDir() + "flavor_twins";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "a.yaml") << kGood;
  std::ofstream(dir / "b.yaml") << kGood;
  const auto twice = LoadFlavorDir(dir);
  ASSERT_FALSE(twice.ok());
  EXPECT_THAT(Message(twice.status()), testing::HasSubstr("b.yaml:2: name 'a' stands at"));
  std::filesystem::remove_all(dir);
  EXPECT_FALSE(LoadFlavorDir(dir).ok());
}

}  // namespace
}  // namespace kilonova::flavors
