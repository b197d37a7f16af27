// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/decode.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/hash.h"
#include "proto/oslo/decode_methods.h"
#include "proto/oslo/envelope.h"
#include "proto/oslo/object.h"
#include "proto/oslo/registry.h"
#include "proto/oslo/text_checks.h"

namespace kilonova::oslo {
namespace {

constexpr Version kCompute{6, 1};  // Nova 26's compute manager
constexpr std::string_view kMethods[] = {"build_and_run_instance", "terminate_instance",
                                         "start_instance", "stop_instance", "reboot_instance"};

Status CheckTarget(const RpcMessage& message) {
  bool known = !message.rpc_namespace;
  if (known) known = std::ranges::find(kMethods, message.method) != std::end(kMethods);
  if (!known) {
    return Error(Code::kUnimplemented, reason::kRpcMethodUnknown,
                 "there is no such method on a compute host");
  }
  const auto version = ParseVersion(message.version);
  if (version && kCompute.Understands(*version)) return OkStatus();
  return Error(Code::kUnimplemented, reason::kRpcVersionUnsupported,
               "the message speaks another version than " + kCompute.Text(),
               {{"version", version ? version->Text() : std::string("none")}});
}

// Both become keys of a journal and fields of every log line.
Status CheckIds(const RpcMessage& message, const std::string& request_id) {
  if (!IsLowerHex(message.unique_id, 32)) {
    return Error(Code::kInvalidArgument, reason::kMessageMalformed,
                 "_unique_id is not 32 hex digits", {{"field", "_unique_id"}});
  }
  if (request_id.empty() || request_id.size() > 255 || HasControlCharacters(request_id)) {
    return Error(Code::kInvalidArgument, reason::kMessageMalformed,
                 "_context_request_id is not a request id", {{"field", "_context_request_id"}});
  }
  return OkStatus();
}

std::string ContextText(const RpcMessage& message, std::string_view key) {
  const Json* value = message.context.Find(key);
  return value == nullptr || value->AsString() == nullptr ? std::string() : *value->AsString();
}

Expected<ReceivedRequest> Understand(const RpcMessage& message, DecodeOptions options) {
  RETURN_IF_ERROR(CheckTarget(message));
  ReceivedRequest received;
  received.request.method = message.method;
  received.request.unique_id = message.unique_id;
  received.request.request_id = ContextText(message, "request_id");
  RETURN_IF_ERROR(CheckIds(message, received.request.request_id));
  RETURN_IF_ERROR(CheckObjects(message.args, "args"));
  if (message.method == kMethods[0]) {
    RETURN_IF_ERROR(DecodeBuild(message.args, options, &received));
  } else {
    RETURN_IF_ERROR(DecodeAction(message.args, options, &received));
  }
  return received;
}

// An id worth repeating in a log line or a report; anything else is left out.
bool IsPresentable(const std::string& text) {
  return !text.empty() && text.size() <= 255 && !HasControlCharacters(text);
}

// What a refusal can still say of the message it refuses.
Status Explain(Status status, const RpcMessage& message) {
  const auto add = [&status](std::string_view key, const std::string& value) {
    if (IsPresentable(value)) status = WithDetail(status, key, value);
  };
  add("method", message.method);
  add("unique_id", message.unique_id);
  add("request_id", ContextText(message, "request_id"));
  add("msg_id", message.msg_id);
  add("reply_q", message.reply_q);
  const Subject subject = SubjectOf(message.args);
  add("instance", subject.instance.str());
  if (subject.generation > 0) add("generation", std::to_string(subject.generation));
  return status;
}

}  // namespace

Expected<ReceivedRequest> DecodeInner(std::string_view inner, DecodeOptions options) {
  ASSIGN_OR_RETURN(Json json, ParseJson(inner));
  ASSIGN_OR_RETURN(const RpcMessage message, ReadRpc(std::move(json)));
  auto received = Understand(message, options);
  if (!received.ok()) return Explain(received.status(), message);
  received->inner = inner;
  received->digest = Sha256Hex(inner);
  return received;
}

Expected<ReceivedRequest> DecodeComputeRequest(std::string_view body, DecodeOptions options) {
  ASSIGN_OR_RETURN(const std::string inner, OpenEnvelope(body));
  return DecodeInner(inner, options);
}

}  // namespace kilonova::oslo
