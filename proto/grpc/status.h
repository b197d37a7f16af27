// SPDX-License-Identifier: Apache-2.0
// Status and grpc::Status, one into the other; nothing else in the project translates errors for
// gRPC. On the wire: google.rpc.Status in the trailer grpc-status-details-bin, holding an ErrorInfo
// (reason, domain "kilonova", the details as metadata) and, when a detail "field" names one, a
// BadRequest with that field violation. The detail "operator" never leaves.
#pragma once

#include "common/base/status.h"

namespace grpc {
class Status;
}

namespace kilonova::grpc {

inline constexpr const char* kErrorDomain = "kilonova";

// Text is cut so that all of it fits into gRPC's 8 KiB of metadata, and made valid UTF-8.
::grpc::Status ToGrpc(const Status& status);

// An error gRPC itself made (no connection, deadline) has a reason by its code, a message of ours
// and gRPC's own text as detail "operator".
Status FromGrpc(const ::grpc::Status& status);

}  // namespace kilonova::grpc
