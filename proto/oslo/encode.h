// SPDX-License-Identifier: Apache-2.0
// From a request to the body of an AMQP message, as Nova's own services would send it.
//
// The same arguments always give the same bytes, so that a message may be encoded again whenever it
// has to be sent again: an agent compares digests of messages that share a unique id.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/model/requests.h"
#include "common/model/states.h"

namespace kilonova::oslo {

// On whose behalf. Becomes the message's _context_*; there is no token, ever.
struct RequestContext {
  std::string request_id;  // "req-<uuid>"
  std::string project_id, project_name, user_id, user_name;
  bool is_admin = false;
  std::vector<std::string> roles = {"reader", "member"};
  WallTime timestamp{};  // when the user asked; must not change between two sendings
};

struct MessageHead {
  std::string unique_id;  // 32 hex digits
  RequestContext context;
};

struct Destination {
  std::string host;  // service host, names the queue
  std::string node;  // hypervisor hostname
};

// How the scheduler sees the instance when it asks for an action.
struct InstanceState {
  Destination at;
  model::VmState vm_state = model::VmState::kActive;
  model::TaskState task_state = model::TaskState::kNone;
  model::PowerState power_state = model::PowerState::kRunning;
  std::optional<WallTime> launched_at;
};

// INVALID_ARGUMENT when the request holds text that is not UTF-8 or has NUL bytes, or no uuid;
// MESSAGE_TOO_LARGE over 1 MiB: such a message would be refused by every agent.
Expected<std::string> EncodeBuild(const model::BuildRequest& request, const Destination& to,
                                  const MessageHead& head);

// `built` is what the instance was last built from; the generation is the action's.
Expected<std::string> EncodeAction(const model::ActionRequest& action,
                                   const model::BuildRequest& built, const InstanceState& state,
                                   const MessageHead& head);

}  // namespace kilonova::oslo
