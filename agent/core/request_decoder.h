// SPDX-License-Identifier: Apache-2.0
// Reads a journalled message again, after a restart or to rebuild a guest. Wired to proto/oslo in
// agent/app; the queue adapter reads with the same code.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

class RequestDecoder {
 public:
  virtual ~RequestDecoder() = default;
  // `inner` is the text of oslo.message. Reasons are those of refused messages.
  virtual Expected<model::ComputeRequest> Decode(const std::string& inner) = 0;
  // The same text without what only the build itself needs: the admin password and injected files.
  virtual Expected<std::string> WithoutSecrets(const std::string& inner) = 0;
};

}  // namespace kilonova::agent::core
