// SPDX-License-Identifier: Apache-2.0
// Whatever users call things: what the API takes goes through the message into the domain and the
// config drive and comes out as it went in; the documents are those of a harmless name.
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <random>
#include <sstream>

#include "agent/guest/metadata.h"
#include "agent/guest/text.h"
#include "tests/integration/bad_input/bed.h"
#include "tests/support/nasty_strings.h"

namespace kilonova::testing {
namespace {

constexpr int kStrings = 500;

class Texts : public BadInputTest {};

// What a user names of an instance.
struct Names {
  std::string name, user, project, value, key;
};

Names NamesOf(const model::BuildRequest& build) {
  const auto& instance = build.instance;
  const auto value = instance.metadata.find("k");
  return {instance.display_name, instance.user_id, instance.project_id,
          value == instance.metadata.end() ? "" : value->second, instance.key_name};
}

std::string Text(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "", pugi::format_raw);
  return out.str();
}

// The document with the user's texts taken out, which must be what `names` say.
std::string WithoutTexts(const std::string& xml, const Names& names) {
  pugi::xml_document document;
  EXPECT_TRUE(document.load_string(xml.c_str(), pugi::parse_default | pugi::parse_ws_pcdata_single))
      << xml;
  auto nova = document.child("domain").child("metadata").child("nova:instance");
  EXPECT_EQ(nova.child_value("nova:name"), agent::guest::Printable(names.name));
  EXPECT_TRUE(nova.child("nova:name").text().set("-"));
  auto owner = nova.child("nova:owner");
  for (const auto& [node, want] :
       {std::pair{"nova:user", names.user}, std::pair{"nova:project", names.project}}) {
    EXPECT_EQ(owner.child(node).attribute("uuid").value(), agent::guest::Printable(want));
    EXPECT_TRUE(owner.child(node).attribute("uuid").set_value("-"));
    EXPECT_TRUE(owner.child(node).text().set("-"));
  }
  return Text(document);
}

std::string MetaData(const model::BuildRequest& build) {
  const auto files = agent::guest::ConfigDriveFiles({}, build, "seed");
  EXPECT_TRUE(files.ok()) << Describe(files.status());
  if (!files.ok()) return "{}";
  for (const auto& file : *files) {
    if (file.path == "openstack/latest/meta_data.json") return file.content;
  }
  return "{}";
}

void ExpectHarmless(const model::BuildRequest& build, const Names& names) {
  const auto xml = BadInputTest::Xml(build);
  ASSERT_TRUE(xml.ok()) << Describe(xml.status());
  model::BuildRequest harmless = build;
  harmless.instance.display_name = harmless.instance.hostname = "web";
  harmless.instance.user_id = harmless.instance.user_name = "u";
  harmless.instance.project_id = harmless.instance.project_name = "p";
  harmless.instance.metadata = {{"k", "v"}};
  harmless.instance.key_name = "key";
  const auto plain = BadInputTest::Xml(harmless);
  ASSERT_TRUE(plain.ok()) << Describe(plain.status());
  EXPECT_EQ(WithoutTexts(*xml, names), WithoutTexts(*plain, NamesOf(harmless)));
  if (!agent::guest::IsUtf8(names.value)) return;
  const auto meta = nlohmann::json::parse(MetaData(build));
  EXPECT_EQ(meta["name"], names.name);
  EXPECT_EQ(meta["meta"]["k"], names.value);
}

bool MayBeRefused(const std::string& text) {
  return !agent::guest::IsPrintable(text) || text.size() > 255 ||
         text.find_first_not_of(' ') == std::string::npos;
}

TEST_F(Texts, ThroughTheApi_ComeOutAsTheyWentIn) {
  std::mt19937 random(20261126);
  int taken = 0;
  for (int i = 0; i < kStrings; ++i) {
    std::string text = NastyString(random);
    while (!agent::guest::IsUtf8(text)) text = NastyString(random);  // no protobuf string
    Names names{"web", "u", "p", "v", "key"};
    std::string* const fields[] = {&names.name, &names.value, &names.user, &names.project,
                                   &names.key};
    *fields[i % 5] = text;
    auto request = Request("r" + std::to_string(i));
    auto* t = request.mutable_template_();
    t->set_name(names.name);
    t->set_user_id(names.user);
    t->set_project_id(names.project);
    t->set_key_name(names.key);
    t->set_public_key("ssh-ed25519 AAAA");
    t->set_config_drive(true);
    (*t->mutable_metadata())["k"] = names.value;
    const auto made = Create(request);
    if (!made.ok()) {
      EXPECT_EQ(made.status().code(), Code::kInvalidArgument) << Describe(made.status());
      EXPECT_FALSE(DetailsOf(made.status())["field"].empty());
      EXPECT_TRUE(MayBeRefused(text)) << "refused: " << text;
      EXPECT_TRUE(Bodies().empty());
      continue;
    }
    ++taken;
    const auto bodies = Bodies();
    ASSERT_EQ(bodies.size(), 1U);
    const auto build = Read(bodies[0]);
    ASSERT_TRUE(build.ok()) << Describe(build.status());
    if (names.user.empty()) names.user = "default";
    if (names.project.empty()) names.project = "default";
    const Names got = NamesOf(*build);
    EXPECT_EQ(std::tie(got.name, got.user, got.project, got.value, got.key),
              std::tie(names.name, names.user, names.project, names.value, names.key));
    ExpectHarmless(*build, names);
  }
  EXPECT_GT(taken, kStrings / 4);
  EXPECT_LT(taken, kStrings);
  rig_.CheckInvariants();
}

// As a JSON text within a JSON text; bytes of no UTF-8 stay what they are.
std::string Escaped(const std::string& raw, int times) {
  if (times == 0) return raw;
  std::string out;
  for (const char c : raw) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  return Escaped(out, times - 1);
}

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// Who may publish to the broker is bound by none of the API's rules.
TEST_F(Texts, ThroughTheQueue_LeaveTheDocumentsAlone) {
  auto request = Request("honest");
  auto* t = request.mutable_template_();
  t->set_name("MARKNAME");
  t->set_user_id("MARKUSER");
  t->set_project_id("MARKPROJECT");
  t->set_key_name("MARKKEY");
  t->set_public_key("ssh-ed25519 AAAA");
  t->set_config_drive(true);
  (*t->mutable_metadata())["k"] = "MARKVALUE";
  ASSERT_TRUE(Create(request).ok());
  const std::string honest = Bodies().at(0);
  ASSERT_TRUE(Read(honest).ok());

  std::mt19937 random(7);
  int taken = 0;
  for (int i = 0; i < kStrings; ++i) {
    std::string body = honest;
    Names names{"web", "u", "p", "v", "key"};
    std::string* const fields[] = {&names.name, &names.value, &names.user, &names.project,
                                   &names.key};
    *fields[i % 5] = NastyString(random);
    for (const auto& [mark, text] :
         {std::pair{"MARKNAME", names.name}, std::pair{"MARKUSER", names.user},
          std::pair{"MARKPROJECT", names.project}, std::pair{"MARKVALUE", names.value},
          std::pair{"MARKKEY", names.key}}) {
      body = Replaced(std::move(body), mark, Escaped(text, 2));
    }
    const auto build = Read(body);
    if (!build.ok()) {
      EXPECT_TRUE(HasReason(build.status(), reason::kMessageMalformed) ||
                  HasReason(build.status(), reason::kObjectInvalid))
          << Describe(build.status());
      continue;
    }
    ++taken;
    const Names got = NamesOf(*build);
    EXPECT_EQ(std::tie(got.name, got.user, got.project, got.value, got.key),
              std::tie(names.name, names.user, names.project, names.value, names.key));
    ExpectHarmless(*build, names);
  }
  EXPECT_GT(taken, kStrings / 10);
  EXPECT_LT(taken, kStrings);
}

}  // namespace
}  // namespace kilonova::testing
