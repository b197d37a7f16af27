// SPDX-License-Identifier: Apache-2.0
// oslo.messaging's envelope 2.0 and the RPC messages inside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "proto/oslo/json.h"

namespace kilonova::oslo {

// The text of oslo.message. ENVELOPE_VERSION for another version than 2.0, and for a message that
// has no envelope at all (oslo's version 1.0); MESSAGE_MALFORMED for anything else that is wrong.
Expected<std::string> OpenEnvelope(std::string_view body);
std::string SealEnvelope(std::string_view inner);

// A call or a cast.
struct RpcMessage {
  std::string method;
  Json args = Json::MakeObject();
  std::string version;                       // "1.0" when the message names none
  std::optional<std::string> rpc_namespace;  // "baseapi", "compute_task"
  std::string unique_id;                     // "" = none
  std::string msg_id, reply_q;               // of a call; "" in a cast
  Json context = Json::MakeObject();         // members without their "_context_"
  Json rest = Json::MakeObject();            // whatever else there is: _timeout...
  bool names_version = true;
  bool names_namespace = false;  // a null namespace is not the same as none
};

// MESSAGE_MALFORMED when it has no method or a member has the wrong type. Knows nothing of objects.
Expected<RpcMessage> ReadRpc(Json inner);
Json WriteRpc(const RpcMessage& message);

// The answer to a call that failed, as oslo.messaging sends it to the caller's reply_q: the caller
// gets an exception of `class_name` ("UnsupportedVersion") in `module`.
struct RpcFailure {
  std::string class_name, module, message;
};
// The exception Nova's services know a refusal by.
RpcFailure FailureOf(const Status& status);
// A whole body to publish with routing key reply_q.
std::string EncodeFailureReply(std::string_view msg_id, std::string_view unique_id,
                               const RpcFailure& failure);

}  // namespace kilonova::oslo
