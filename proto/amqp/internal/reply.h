// SPDX-License-Identifier: Apache-2.0
// The one place where the library's ways to say "no" become a Status.
#pragma once

#include <amqp.h>

#include <string_view>

#include "common/base/status.h"

namespace kilonova::amqp {

// What an RPC to the broker ended with. Codes: UNAVAILABLE when trying again may help,
// PERMISSION_DENIED, NOT_FOUND, FAILED_PRECONDITION (a declaration that differs from what exists)
// when somebody must act. Reasons: BROKER_UNAVAILABLE and BROKER_REFUSED.
Status ToStatus(const amqp_rpc_reply_t& reply, std::string_view doing);

// The same for calls that return amqp_status_enum.
Status ToStatus(int library_status, std::string_view doing);

// The broker closed the channel or the connection on its own.
Status CloseToStatus(const amqp_method_t& method, std::string_view doing);

}  // namespace kilonova::amqp
