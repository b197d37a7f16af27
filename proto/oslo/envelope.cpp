// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/envelope.h"

#include <utility>

#include "proto/oslo/registry.h"

namespace kilonova::oslo {
namespace {

constexpr std::string_view kVersionKey = "oslo.version";
constexpr std::string_view kMessageKey = "oslo.message";
constexpr Version kSpoken{2, 0};
constexpr std::string_view kContextPrefix = "_context_";

Status Malformed(std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kMessageMalformed, message);
}

// Takes a member that must be a string; null counts as "" where `may_be_null`.
Status TakeText(Json& value, std::string_view name, bool may_be_null, std::string* to) {
  if (value.is_null() && may_be_null) return OkStatus();
  if (value.AsString() == nullptr) return Malformed(std::string(name) + " is not a string");
  *to = *value.AsString();
  return OkStatus();
}

Status TakeMember(Json::Member& member, RpcMessage* message) {
  const std::string& key = member.key;
  if (key == "method") return TakeText(member.value, key, false, &message->method);
  if (key == "_unique_id") return TakeText(member.value, key, false, &message->unique_id);
  if (key == "_msg_id") return TakeText(member.value, key, false, &message->msg_id);
  if (key == "_reply_q") return TakeText(member.value, key, false, &message->reply_q);
  if (key == "version") {
    message->names_version = true;
    return TakeText(member.value, key, false, &message->version);
  }
  if (key == "namespace") {
    message->names_namespace = true;
    if (member.value.is_null()) return OkStatus();
    return TakeText(member.value, key, false, &message->rpc_namespace.emplace());
  }
  if (key == "args") {
    if (member.value.AsObject() == nullptr) return Malformed("args is not an object");
    message->args = std::move(member.value);
    return OkStatus();
  }
  const bool of_context = key.starts_with(kContextPrefix);
  Json& to = of_context ? message->context : message->rest;
  if (of_context) member.key.erase(0, kContextPrefix.size());
  to.AsObject()->push_back(std::move(member));
  return OkStatus();
}

}  // namespace

Expected<std::string> OpenEnvelope(std::string_view body) {
  ASSIGN_OR_RETURN(Json envelope, ParseJson(body));
  if (envelope.AsObject() == nullptr) return Malformed("the body is not an object");
  const Json* version = envelope.Find(kVersionKey);
  Json* message = envelope.Find(kMessageKey);
  if (version == nullptr && message == nullptr) {
    return Error(Code::kInvalidArgument, reason::kEnvelopeVersion,
                 "a message without an envelope (oslo.messaging 1.0) is not taken");
  }
  if (version == nullptr || message == nullptr) {
    return Malformed("the envelope lacks oslo.version or oslo.message");
  }
  if (version->AsString() == nullptr) return Malformed("oslo.version is not a string");
  const auto spoken = ParseVersion(*version->AsString());
  if (!spoken) return Malformed("oslo.version is not a version");
  if (!kSpoken.Understands(*spoken)) {
    return Error(Code::kInvalidArgument, reason::kEnvelopeVersion,
                 "envelope version is not " + kSpoken.Text(), {{"version", spoken->Text()}});
  }
  if (message->AsString() == nullptr) return Malformed("oslo.message is not a string");
  return *message->AsString();
}

std::string SealEnvelope(std::string_view inner) {
  return DumpJson(Json::MakeObject(
      {{std::string(kVersionKey), kSpoken.Text()}, {std::string(kMessageKey), inner}}));
}

Expected<RpcMessage> ReadRpc(Json inner) {
  if (inner.AsObject() == nullptr) return Malformed("the message is not an object");
  RpcMessage message;
  message.version = "1.0";
  message.names_version = false;
  for (Json::Member& member : *inner.AsObject()) RETURN_IF_ERROR(TakeMember(member, &message));
  if (message.method.empty()) return Malformed("the message has no method");
  return message;
}

Json WriteRpc(const RpcMessage& message) {
  Json out = Json::MakeObject({{"method", message.method}, {"args", message.args}});
  Json::Object& members = *out.AsObject();
  const auto add = [&members](std::string_view key, const Json& value) {
    members.push_back({std::string(key), value});
  };
  if (message.names_version) add("version", message.version);
  if (message.names_namespace) {
    add("namespace", message.rpc_namespace ? Json(*message.rpc_namespace) : Json());
  }
  if (!message.msg_id.empty()) add("_msg_id", message.msg_id);
  if (!message.reply_q.empty()) add("_reply_q", message.reply_q);
  if (!message.unique_id.empty()) add("_unique_id", message.unique_id);
  for (const Json::Member& member : *message.rest.AsObject()) add(member.key, member.value);
  for (const Json::Member& member : *message.context.AsObject()) {
    add(std::string(kContextPrefix) + member.key, member.value);
  }
  return out;
}

RpcFailure FailureOf(const Status& status) {
  const std::string reason = ReasonOf(status);
  constexpr const char* kDispatcher = "oslo_messaging.rpc.dispatcher";
  constexpr const char* kObjects = "oslo_versionedobjects.exception";
  if (reason == reason::kRpcMethodUnknown.name)
    return {"NoSuchMethod", kDispatcher, Message(status)};
  if (reason == reason::kRpcVersionUnsupported.name) {
    return {"UnsupportedVersion", kDispatcher, Message(status)};
  }
  if (reason == reason::kObjectUnknown.name) {
    return {"UnsupportedObjectError", kObjects, Message(status)};
  }
  if (reason == reason::kObjectVersionIncompatible.name) {
    return {"IncompatibleObjectVersion", kObjects, Message(status)};
  }
  return {"Invalid", "nova.exception", reason + ": " + Message(status)};
}

std::string EncodeFailureReply(std::string_view msg_id, std::string_view unique_id,
                               const RpcFailure& failure) {
  const Json what = Json::MakeObject({{"class", failure.class_name},
                                      {"module", failure.module},
                                      {"message", failure.message},
                                      {"tb", Json::MakeArray()},
                                      {"args", Json(Json::Array{Json(failure.message)})},
                                      {"kwargs", Json::MakeObject()}});
  return SealEnvelope(DumpJson(Json::MakeObject({{"result", nullptr},
                                                 {"failure", DumpJson(what)},
                                                 {"ending", true},
                                                 {"_msg_id", msg_id},
                                                 {"_unique_id", unique_id}})));
}

}  // namespace kilonova::oslo
