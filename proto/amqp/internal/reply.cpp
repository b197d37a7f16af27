// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/internal/reply.h"

#include <string>

#include "proto/amqp/internal/table.h"

namespace kilonova::amqp {
namespace {

Code CodeOf(int reply_code) {
  switch (reply_code) {
    case AMQP_ACCESS_REFUSED:
    case AMQP_NOT_ALLOWED:
      return Code::kPermissionDenied;
    case AMQP_NOT_FOUND:
      return Code::kNotFound;
    case AMQP_PRECONDITION_FAILED:
    case AMQP_RESOURCE_LOCKED:
      return Code::kFailedPrecondition;
    default:
      return Code::kUnavailable;
  }
}

Status Closed(int reply_code, amqp_bytes_t reply_text, std::string_view doing) {
  const Code code = CodeOf(reply_code);
  return Error(code,
               code == Code::kUnavailable ? reason::kBrokerUnavailable : reason::kBrokerRefused,
               std::string(doing) + ": broker says " + std::to_string(reply_code) + " " +
                   CopyText(reply_text));
}

}  // namespace

Status CloseToStatus(const amqp_method_t& method, std::string_view doing) {
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_connection_close_t*>(method.decoded);
    return Closed(close->reply_code, close->reply_text, doing);
  }
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
    return Closed(close->reply_code, close->reply_text, doing);
  }
  return Error(Code::kUnavailable, reason::kBrokerUnavailable,
               std::string(doing) + ": unexpected method " + std::to_string(method.id));
}

Status ToStatus(int library_status, std::string_view doing) {
  if (library_status >= 0) return OkStatus();
  const bool certificate = library_status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED ||
                           library_status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED;
  return Error(certificate ? Code::kPermissionDenied : Code::kUnavailable,
               certificate ? reason::kBrokerRefused : reason::kBrokerUnavailable,
               std::string(doing) + ": " + amqp_error_string2(library_status));
}

Status ToStatus(const amqp_rpc_reply_t& reply, std::string_view doing) {
  switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
      return OkStatus();
    case AMQP_RESPONSE_NONE:
      return Error(Code::kUnavailable, reason::kBrokerUnavailable,
                   std::string(doing) + ": connection ended");
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      // Zero would be "no error", which this reply type rules out.
      return ToStatus(reply.library_error < 0 ? reply.library_error : AMQP_STATUS_UNEXPECTED_STATE,
                      doing);
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      return CloseToStatus(reply.reply, doing);
  }
  return Error(Code::kUnavailable, reason::kBrokerUnavailable, std::string(doing) + ": unknown");
}

}  // namespace kilonova::amqp
