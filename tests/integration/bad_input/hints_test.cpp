// SPDX-License-Identifier: Apache-2.0
// Scheduler hints that reach for internals or for the scheduler's time, by either entry.
#include <nlohmann/json.hpp>

#include "tests/integration/bad_input/bed.h"

namespace kilonova::testing {
namespace {

using Values = std::vector<std::string>;
using nlohmann::json;

class BadHints : public BadInputTest {
 protected:
  Status With(const std::string& hint, const Values& values) {
    auto request = Request("h" + std::to_string(++made_));
    auto& list = (*request.mutable_template_()->mutable_scheduler_hints())[hint];
    for (const std::string& value : values) list.add_values(value);
    return Create(request).status();
  }
  static Values Ids(int count) {
    Values ids;
    for (int i = 0; i < count; ++i) ids.push_back(Uuid::Random().str());
    return ids;
  }

 private:
  int made_ = 0;
};

TEST_F(BadHints, ThroughTheApi_AreRefusedByNameAndLeaveNothing) {
  std::string wide = R"(["or")";
  for (int i = 0; i < 129; ++i) wide += ", 1";
  const std::pair<std::string, Values> bad[] = {
      {"_nova_check_type", {"rebuild"}},  // CVE-2026-46448
      {"_nova_check_type", {}},
      {"_x", {"1"}},
      {"__class__", {"1"}},
      {"kilonova", {"{}"}},
      {"target_cell", {"a"}},
      {"requested_destination", {R"({"nova_object.name": "Destination"})"}},
      {"force_hosts", {"c1"}},
      {"", {"1"}},
      {"query", {std::string(17, '[') + std::string(17, ']')}},
      {"query", {std::string(2048, '[')}},
      {"query", {wide + "]"}},
      {"query", {R"(["=", "$host", NaN])"}},
      {"query", {R"(["=", "$host")"}},
      {"query", {"[]", "[1]"}},
      {"query", {std::string(2049, ' ')}},
      {"same_host", Ids(101)},
      {"different_host", Ids(101)},
      {"same_host", {"../../etc/passwd"}},
      {"same_host", {""}},
      {"group", Ids(2)},
      {"group", {"web"}},
      {"cidr", {"/24; reboot"}},
      {"build_near_host_ip", {std::string(4000, '1')}},
  };
  for (const auto& [hint, values] : bad) {
    const Status status = With(hint, values);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << hint << Describe(status);
    EXPECT_TRUE(HasReason(status, reason::kInvalidArgument)) << hint << Describe(status);
    EXPECT_EQ(DetailsOf(status)["field"], "scheduler_hints." + hint);
  }
  // Too much to be looked at one by one, whatever the hint is called.
  for (const auto& [hint, values] :
       {std::pair<std::string, Values>{"same_host", Values(100'000, "a")},
        {"same_host", Values(1001, Uuid::Random().str())},
        {"query", {std::string(100'000, '[')}},
        {std::string(256, 'x'), {}}}) {
    const Status status = With(hint, values);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << Describe(status);
    EXPECT_EQ(DetailsOf(status)["field"], "template.scheduler_hints");
  }
  // Beyond a message of a client's, and beyond any.
  EXPECT_TRUE(HasReason(With("same_host", Ids(100'000)), reason::kMessageTooLarge));
  EXPECT_TRUE(HasReason(With("query", {std::string(1 << 21, '[')}), reason::kMessageTooLarge));
  EXPECT_EQ(With("query", {std::string(5 << 20, '[')}).code(), Code::kResourceExhausted);
  EXPECT_EQ(Instances(), 0);
  EXPECT_TRUE(Bodies().empty());
  rig_.CheckInvariants();

  // What is within its bounds is taken.
  EXPECT_TRUE(With("same_host", Values(1000, Uuid::Random().str())).ok());
  EXPECT_TRUE(With("different_host", Ids(100)).ok());
  EXPECT_TRUE(With("query", {R"([">=", "$free_ram_mb", 512])"}).ok());
}

// A hint within a message has no meaning for an agent: with its ticket the build is what it was,
// without one it is refused.
TEST_F(BadHints, ThroughTheQueue_ChangeNothing) {
  ASSERT_TRUE(Create(Request("honest")).ok());
  const std::string honest = Bodies().at(0);
  const auto plain = Read(honest);
  ASSERT_TRUE(plain.ok()) << Describe(plain.status());
  const auto changed = [&honest](const std::function<void(json & args)>& change) {
    json body = json::parse(honest);
    json inner = json::parse(body["oslo.message"].get<std::string>());
    change(inner["args"]);
    body["oslo.message"] = inner.dump();
    return body.dump();
  };
  const auto with = [](json& args, const std::string& name, const json& value) {
    args["request_spec"]["nova_object.data"]["scheduler_hints"][name] = value;
    args["filter_properties"]["scheduler_hints"][name] = value;
  };
  const auto rebuild =
      Read(changed([&](json& args) { with(args, "_nova_check_type", json::array({"rebuild"})); }));
  ASSERT_TRUE(rebuild.ok()) << Describe(rebuild.status());
  EXPECT_TRUE(*rebuild == *plain);
  const Status unclaimed = Read(changed([&](json& args) {
                             with(args, "_nova_check_type", json::array({"rebuild"}));
                             args["filter_properties"].erase("kilonova");
                           })).status();
  EXPECT_TRUE(HasReason(unclaimed, reason::kClaimMissing)) << Describe(unclaimed);

  const auto refusal = [&](const json& value) {
    return Read(changed([&](json& args) { with(args, "same_host", value); })).status();
  };
  EXPECT_TRUE(HasReason(refusal(json(Ids(100'000))), reason::kMessageTooLarge));
  EXPECT_TRUE(HasReason(refusal(json(Values(100'000, "a"))), reason::kMessageTooLarge));
  json deep = json::array();
  for (int i = 0; i < 40; ++i) deep = json::array({deep});
  EXPECT_TRUE(HasReason(refusal(deep), reason::kMessageTooDeep));
}

}  // namespace
}  // namespace kilonova::testing
