// SPDX-License-Identifier: Apache-2.0
// From the body of an AMQP message to what a compute host is asked to do.
//
//   auto received = DecodeComputeRequest(body);
//   if (!received.ok()) return Refuse(ReasonOf(received.status()));
//   journal.Accept(received->request, received->inner, received->digest);
//
// Pure and safe for any bytes: sizes and depths are bounded before memory is spent on them, nothing
// throws. Every refusal carries a stable reason:
//   MESSAGE_TOO_LARGE, MESSAGE_TOO_DEEP, MESSAGE_DUPLICATE_KEY, MESSAGE_MALFORMED,
//   ENVELOPE_VERSION, RPC_METHOD_UNKNOWN, RPC_VERSION_UNSUPPORTED, OBJECT_UNKNOWN,
//   OBJECT_VERSION_INCOMPATIBLE, OBJECT_INVALID, CLAIM_MISSING, FEATURE_NOT_SERVED
// and, as far as they could still be read, the details "field" (args.instance.flavor.vcpus),
// "method", "unique_id", "request_id", "instance", "generation", "reply_q" and "msg_id": enough to
// report a failed build, or to answer a caller.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::oslo {

struct DecodeOptions {
  // False under a stock Nova, whose messages carry no ticket: the claim then has generation 0 and
  // no id, the image no url or digest, and NICs only what the user asked for.
  bool require_ticket = true;
};

struct ReceivedRequest {
  model::ComputeRequest request;
  std::string inner;        // the message inside the envelope, as received
  std::string digest;       // SHA-256 (hex) of `inner`
  std::string flavor_hash;  // of the ticket; without one, of the flavor itself; "" unless a build
  bool has_ticket = false;
};

// A whole body, envelope and all.
Expected<ReceivedRequest> DecodeComputeRequest(std::string_view body, DecodeOptions options = {});

// What a journal kept: ReceivedRequest::inner.
Expected<ReceivedRequest> DecodeInner(std::string_view inner, DecodeOptions options = {});

}  // namespace kilonova::oslo
