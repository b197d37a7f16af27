// SPDX-License-Identifier: Apache-2.0
// Whatever a user calls things, the document has the shape it has for "web-1".
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <random>

#include "agent/guest/metadata.h"
#include "agent/guest/text.h"
#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

constexpr int kStrings = 500;

std::string NastyString(std::mt19937& random) {
  static const std::vector<std::string> kPieces{
      "</name>",
      "<!--",
      "-->",
      "]]>",
      "<![CDATA[",
      "&amp;",
      "&#0;",
      "&#x0a;",
      "&",
      "<",
      ">",
      "'",
      "\"",
      "<?xml?>",
      "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
      "&e;",
      "../../",
      "\n",
      "\r\n",
      "\t",
      "\x01",
      "\x1b[2J",
      "\x7f",
      std::string(1, '\0'),
      "\xC2\x85",
      "\xEF\xBF\xBE",
      "\xED\xA0\x80",
      "\xC0\xAF",
      "\xFF",
      "\xF0\x9F\x92\xA5",
      "\xE2\x80\xAE",
      "\xCC\x81",
      "%s%n",
      "$(reboot)",
      "`id`",
      "{{}}",
      "\\",
      "\\u0000",
      " ",
      "x",
      std::string(300, 'a')};
  std::string text;
  const int pieces = std::uniform_int_distribution<int>(0, 8)(random);
  for (int i = 0; i < pieces; ++i) {
    text += kPieces[std::uniform_int_distribution<std::size_t>(0, kPieces.size() - 1)(random)];
  }
  return text;
}

std::vector<std::string> Shape(const pugi::xml_node& root) {
  struct Walker : pugi::xml_tree_walker {
    std::vector<std::string> names;
    bool for_each(pugi::xml_node& node) override {
      if (node.type() != pugi::node_element) return true;
      std::string name = std::to_string(depth()) + node.name();
      for (const auto& attribute : node.attributes()) name += std::string(" ") + attribute.name();
      names.push_back(name);
      return true;
    }
  } walker;
  pugi::xml_node(root).traverse(walker);
  return walker.names;
}

TEST(HostileTexts, InDisplayFields_KeepTheDocumentsShape) {
  std::mt19937 random(20261122);
  pugi::xml_document plain;
  ASSERT_TRUE(plain.load_string(XmlOrError(PlainConfig(), PlainRequest()).c_str()));
  const auto shape = Shape(plain);
  int changed = 0;
  for (int i = 0; i < kStrings; ++i) {
    auto request = PlainRequest();
    request.instance.display_name = NastyString(random);
    request.instance.user_name = "u" + NastyString(random);
    request.instance.project_id = NastyString(random);
    request.flavor.name = NastyString(random);
    const std::string xml = XmlOrError(PlainConfig(), request);
    pugi::xml_document document;
    ASSERT_TRUE(
        document.load_string(xml.c_str(), pugi::parse_default | pugi::parse_ws_pcdata_single))
        << xml;
    ASSERT_EQ(Shape(document), shape) << xml;
    ASSERT_TRUE(agent::guest::IsUtf8(xml));
    const auto nova = document.child("domain").child("metadata").child("nova:instance");
    const std::string want = agent::guest::Printable(request.instance.display_name);
    EXPECT_EQ(nova.child_value("nova:name"), want);
    EXPECT_EQ(nova.child("nova:flavor").attribute("name").value(),
              agent::guest::Printable(request.flavor.name));
    changed += want != request.instance.display_name;
  }
  EXPECT_GT(changed, kStrings / 10);  // the strings are nasty indeed
}

TEST(HostileTexts, InMetadata_ComeBackFromTheJsonOrAreRefused) {
  std::mt19937 random(7);
  int refused = 0;
  int told = 0;
  for (int i = 0; i < kStrings; ++i) {
    auto request = PlainRequest();
    const std::string key = "k" + NastyString(random);
    const std::string value = NastyString(random);
    request.instance.metadata[key] = value;
    const auto files = agent::guest::ConfigDriveFiles(PlainConfig(), request, "seed");
    if (!files.ok()) {
      EXPECT_FALSE(agent::guest::IsUtf8(key) && agent::guest::IsUtf8(value));
      ++refused;
      continue;
    }
    for (const auto& file : *files) {
      EXPECT_EQ(file.path.find(".."), std::string::npos);
      if (file.path != "openstack/latest/meta_data.json") continue;
      const auto meta = nlohmann::json::parse(file.content);
      EXPECT_EQ(meta["meta"][key], value);
      ++told;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(told, kStrings / 4);
}

TEST(HostileTexts, InNamesOfThingsOnTheHost_Refused) {
  for (const char* source : {"", "br 0\n", "../x", "br\x01", "averylongbridgename"}) {
    auto request = PlainRequest();
    request.nics[0].source = source;
    EXPECT_FALSE(agent::guest::DescribeGuest(PlainConfig(), request, PlainBase()).ok()) << source;
  }
  for (const char* mac : {"", "fa:16:3e:00:00:0", "fb:16:3e:00:00:01", "FA:16:3E:00:00:01",
                          "fa:16:3e:00:00:01' x='"}) {
    auto request = PlainRequest();
    request.nics[0].mac = mac;
    EXPECT_FALSE(agent::guest::DescribeGuest(PlainConfig(), request, PlainBase()).ok()) << mac;
  }
  auto request = PlainRequest();
  request.kernel = request.image;
  request.image.properties["os_command_line"] = "console=ttyS0\nroot=/dev/sda";
  EXPECT_TRUE(HasReason(agent::guest::DescribeGuest(PlainConfig(), request, PlainBase()).status(),
                        reason::kImageInvalid));
  request.image.properties = {{"hw_machine_type", "pc' onload='x"}};
  EXPECT_TRUE(HasReason(agent::guest::DescribeGuest(PlainConfig(), request, PlainBase()).status(),
                        reason::kFeatureNotServed));
}

}  // namespace
}  // namespace kilonova::testing
