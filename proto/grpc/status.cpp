// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/status.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/support/status.h>

#include "proto/grpc/utf8.h"

namespace kilonova::grpc {
namespace {

// gRPC drops a response whose trailers pass 8 KiB. The text goes out percent-encoded (threefold at
// worst) and once more in the base64 of the details.
constexpr std::size_t kMostMessage = 1024;
constexpr std::size_t kMostMetadata = 1200;
constexpr std::size_t kMostDescription = 512;

Reason TransportReason(::grpc::StatusCode code) {
  switch (code) {
    case ::grpc::StatusCode::UNAVAILABLE:
      return reason::kUnavailable;
    case ::grpc::StatusCode::DEADLINE_EXCEEDED:
      return reason::kDeadlineExceeded;
    case ::grpc::StatusCode::INVALID_ARGUMENT:
      return reason::kInvalidArgument;
    default:
      return reason::kInternal;
  }
}

std::string TransportMessage(::grpc::StatusCode code) {
  switch (code) {
    case ::grpc::StatusCode::UNAVAILABLE:
      return "the server cannot be reached";
    case ::grpc::StatusCode::DEADLINE_EXCEEDED:
      return "the server did not answer in time";
    case ::grpc::StatusCode::CANCELLED:
      return "the call was cancelled";
    case ::grpc::StatusCode::UNIMPLEMENTED:
      return "the server does not know this call";
    default:
      return "the call failed";
  }
}

}  // namespace

::grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return ::grpc::Status::OK;
  const auto code = static_cast<::grpc::StatusCode>(status.code());
  const std::string message = CleanUtf8(Message(status), kMostMessage);

  google::rpc::Status rich;
  rich.set_code(static_cast<int>(code));
  rich.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(CleanUtf8(ReasonOf(status), 128));
  info.set_domain(kErrorDomain);
  google::rpc::BadRequest bad;
  std::size_t room = kMostMetadata;
  for (const auto& [key, value] : DetailsOf(status)) {
    if (key == kOperatorDetail) continue;
    const std::string clean_key = CleanUtf8(key, 64);
    if (room <= clean_key.size() + 8) break;
    room -= clean_key.size() + 8;
    const std::string clean = CleanUtf8(value, room);
    room -= clean.size();
    (*info.mutable_metadata())[clean_key] = clean;
    if (key == "field") {
      auto* violation = bad.add_field_violations();
      violation->set_field(CleanUtf8(value, 256));
      violation->set_description(CleanUtf8(message, kMostDescription));
    }
  }
  rich.add_details()->PackFrom(info);
  if (bad.field_violations_size() > 0) rich.add_details()->PackFrom(bad);
  return {code, message, rich.SerializeAsString()};
}

Status FromGrpc(const ::grpc::Status& status) {
  if (status.ok()) return OkStatus();
  const auto code = static_cast<Code>(status.error_code());
  google::rpc::Status rich;
  if (!status.error_details().empty() && rich.ParseFromString(status.error_details())) {
    for (const auto& detail : rich.details()) {
      google::rpc::ErrorInfo info;
      if (!detail.UnpackTo(&info) || info.domain() != kErrorDomain) continue;
      Status out = Error(code, Reason{info.reason()}, rich.message());
      for (const auto& [key, value] : info.metadata()) out = WithDetail(out, key, value);
      return out;
    }
  }
  return Error(code, TransportReason(status.error_code()), TransportMessage(status.error_code()),
               {{kOperatorDetail, status.error_message()}});
}

}  // namespace kilonova::grpc
