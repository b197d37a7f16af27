// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/base/status.h"
#include "common/model/reports.h"

namespace kilonova::v1 {
class StateReport;
}

namespace kilonova::grpc {

void ToProto(const model::StateReport& report, v1::StateReport* out);
// INVALID_ARGUMENT (detail "field") for a uuid, state or outcome that is none, a seq under 1 or a
// FAILED report without a fault.
Expected<model::StateReport> FromProto(const v1::StateReport& report);

}  // namespace kilonova::grpc
