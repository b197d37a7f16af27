// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/envelope.h"

#include <gtest/gtest.h>

#include "proto/oslo/object.h"
#include "proto/oslo/registry.h"

namespace kilonova::oslo {
namespace {

std::string ReasonFor(std::string_view body) {
  const auto inner = OpenEnvelope(body);
  return inner.ok() ? "" : ReasonOf(inner.status());
}

TEST(Envelope, SealedOpensAgain) {
  const std::string inner = "{\"a\":\"\xC3\xA9\\n\"}";
  EXPECT_EQ(OpenEnvelope(SealEnvelope(inner)).value(), inner);
}

TEST(Envelope, VersionFollowsOslosRule) {
  const auto with = [](const std::string& version) {
    return "{\"oslo.version\": \"" + version + "\", \"oslo.message\": \"{}\"}";
  };
  EXPECT_EQ(ReasonFor(with("2.0")), "");
  for (const char* version : {"1.0", "2.1", "3.0", "0.0"}) {
    EXPECT_EQ(ReasonFor(with(version)), "ENVELOPE_VERSION") << version;
  }
  for (const char* version : {"", "2", "two", "2.x", "-2.0", "2.0.", "2.0.0.0", " 2.0"}) {
    EXPECT_EQ(ReasonFor(with(version)), "MESSAGE_MALFORMED") << version;
  }
}

TEST(Envelope, ExtraMembersAreNoError) {
  EXPECT_EQ(ReasonFor(R"({"oslo.version":"2.0","oslo.message":"{}","x":1})"), "");
}

TEST(Envelope, RpcMessageKeepsEverything) {
  const Json message = ParseJson(R"({"method":"m","args":{"a":1},"version":"1.2","namespace":null,
      "_msg_id":"i","_reply_q":"q","_timeout":60,"_unique_id":"u","_context_user":"x","other":[1]})")
                           .value();
  const auto rpc = ReadRpc(message);
  ASSERT_TRUE(rpc.ok());
  EXPECT_EQ(rpc->reply_q, "q");
  EXPECT_EQ(rpc->context, ParseJson(R"({"user":"x"})").value());
  EXPECT_EQ(WriteRpc(*rpc), message);
}

TEST(Envelope, FailureReplyIsWhatOsloReads) {
  const Status status = Error(Code::kUnimplemented, reason::kRpcVersionUnsupported, "no");
  const std::string body = EncodeFailureReply("m", "u", FailureOf(status));
  const Json reply = ParseJson(OpenEnvelope(body).value()).value();
  EXPECT_EQ(*reply.Find("_msg_id")->AsString(), "m");
  EXPECT_TRUE(*reply.Find("ending")->AsBool());
  const Json failure = ParseJson(*reply.Find("failure")->AsString()).value();
  EXPECT_EQ(*failure.Find("class")->AsString(), "UnsupportedVersion");
  EXPECT_EQ(*failure.Find("module")->AsString(), "oslo_messaging.rpc.dispatcher");
}

TEST(Object, MetadataThatLooksLikeAnObjectIsNone) {
  const Json metadata = Json::MakeObject({{"nova_object.name", "Instance"},
                                          {"nova_object.data", "x"},
                                          {"nova_object.version", "9.9"}});
  EXPECT_FALSE(LooksLikeObject(metadata));
  EXPECT_TRUE(CheckObjects(metadata, "args").ok());
}

TEST(Object, VersionsAreCheckedWhereverTheyAre) {
  const auto with = [](const char* name, const char* version) {
    Object object;
    object.name = name;
    object.version = version;
    const Json list(Json::Array{WriteObject(object)});
    return CheckObjects(Json::MakeObject({{"deep", list}}), "args");
  };
  EXPECT_TRUE(with("Instance", "2.7").ok());
  EXPECT_TRUE(with("Instance", "2.0").ok());
  for (const char* version : {"2.8", "3.0", "1.7"}) {
    const Status status = with("Instance", version);
    EXPECT_EQ(ReasonOf(status), "OBJECT_VERSION_INCOMPATIBLE");
    EXPECT_EQ(DetailsOf(status).find("field")->second, "args.deep[0]");
    EXPECT_EQ(DetailsOf(status).find("spoken")->second, "2.7");
  }
  EXPECT_EQ(ReasonOf(with("Instance", "x")), "OBJECT_INVALID");
  EXPECT_EQ(ReasonOf(with("Spaceship", "1.0")), "OBJECT_UNKNOWN");
}

TEST(Registry, VersionsAreRead) {
  EXPECT_EQ(ParseVersion("2.7"), (Version{2, 7}));
  EXPECT_EQ(ParseVersion("1.4.1"), (Version{1, 4}));
  for (const char* text :
       {"", ".", "1", "1.", ".1", "1.2.", "1.2.3.4", "a.b", "1.-2", "+1.2", "99999999999.1"}) {
    EXPECT_EQ(ParseVersion(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace kilonova::oslo
