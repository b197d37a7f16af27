// SPDX-License-Identifier: Apache-2.0
// Inside decode.h: the arguments of each method.
#pragma once

#include "proto/oslo/decode.h"
#include "proto/oslo/json.h"

namespace kilonova::oslo {

Status DecodeBuild(const Json& args, DecodeOptions options, ReceivedRequest* received);
// terminate, start, stop and reboot, by received->request.method.
Status DecodeAction(const Json& args, DecodeOptions options, ReceivedRequest* received);

// Which instance and generation a message speaks of, as far as that can be told of a message that
// is refused.
struct Subject {
  Uuid instance;
  std::int64_t generation = 0;
};
Subject SubjectOf(const Json& args);

}  // namespace kilonova::oslo
