// SPDX-License-Identifier: Apache-2.0
// The scheduler's decisions as the messages Nova's own services would send.
#pragma once

#include "scheduler/core/outbox.h"

namespace kilonova::scheduler::adapters::amqp {

class OsloMessageEncoder final : public core::MessageEncoder {
 public:
  Expected<std::string> EncodeBuild(const core::BuildMessage& message) const override;
  Expected<std::string> EncodeAction(const core::ActionMessage& message) const override;
};

}  // namespace kilonova::scheduler::adapters::amqp
