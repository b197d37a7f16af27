// SPDX-License-Identifier: Apache-2.0
// Sizes of what a client may send, checked before anything looks at it. Whether it makes sense is
// the conductor's to say. All refusals: INVALID_ARGUMENT/INVALID_ARGUMENT with a detail "field".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace kilonova::v1 {
class CreateInstancesRequest;
class InstanceTemplate;
}  // namespace kilonova::v1

namespace kilonova::scheduler::adapters::grpc {

inline constexpr std::int64_t kMostPage = 1000;

// 1 to 255 bytes without control characters: an id or a name.
Status CheckRef(std::string_view field, const std::string& value);
// "" or the form of a request id: 1 to 64 of [A-Za-z0-9._-].
Status CheckRequestId(const std::string& value);
Status CheckPage(std::int64_t page_size, const std::string& page_token);
Status CheckTemplate(const v1::InstanceTemplate& instance);
Status CheckCount(std::int64_t count);
Status CheckCreate(const v1::CreateInstancesRequest& request);

}  // namespace kilonova::scheduler::adapters::grpc
