// SPDX-License-Identifier: Apache-2.0
// Errors as values. The code says what the caller should do (as in gRPC), the Reason says stably
// what happened, the message says it to a person, and details name the field, file or line.
//
//   Expected<Flavor> Load(...) {
//     if (bad) return Error(Code::kInvalidArgument, reason::kFlavorInvalid, "vcpus must be 1 or
//     more",
//                           {{"field", "vcpus"}});
//     ASSIGN_OR_RETURN(auto node, Parse(text));
//     return Flavor{...};
//   }
//
// Messages are safe to show to a tenant: no host paths, no library text. What an operator needs
// beyond that goes to the log, or into the detail "operator", which never leaves through an API.
// Debian's absl::string_view is not std::string_view: only this header's functions convert.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/reason.h"

namespace kilonova {

using Status = absl::Status;
template <class T>
using Expected = absl::StatusOr<T>;
using Code = absl::StatusCode;
using Details = std::map<std::string, std::string, std::less<>>;

// Detail key whose value is for the operator's log alone.
inline constexpr std::string_view kOperatorDetail = "operator";

Status Error(Code code, Reason reason, std::string_view message,
             std::initializer_list<std::pair<std::string_view, std::string>> details = {});

inline Status OkStatus() { return absl::OkStatus(); }

// The reason carried by `status`; INTERNAL when it carries none, "" when it is ok. The view is into
// a copy owned by the returned string.
std::string ReasonOf(const Status& status);
bool HasReason(const Status& status, Reason reason);
std::string Message(const Status& status);
Details DetailsOf(const Status& status);
// A copy of `status` with one more detail.
Status WithDetail(const Status& status, std::string_view key, std::string_view value);
// A copy of `status` with `prefix` + ": " before its message.
Status Prefixed(const Status& status, std::string_view prefix);
// One line for a log: CODE REASON message key=value...
std::string Describe(const Status& status);

}  // namespace kilonova

#define KN_CONCAT_INNER(a, b) a##b
#define KN_CONCAT(a, b) KN_CONCAT_INNER(a, b)
#define RETURN_IF_ERROR(expr)                                                     \
  do {                                                                            \
    if (::kilonova::Status kn_status = (expr); !kn_status.ok()) return kn_status; \
  } while (false)
#define ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr)    \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(tmp).value()
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL(KN_CONCAT(kn_expected_, __LINE__), lhs, expr)
