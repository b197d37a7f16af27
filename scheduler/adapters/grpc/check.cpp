// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/check.h"

#include <kilonova/v1/instance.pb.h>

#include <algorithm>

#include "scheduler/core/conductor.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

constexpr int kMostNetworks = 32;
constexpr std::size_t kMostMetadata = 128;
constexpr std::size_t kMostUserData = 65535;
constexpr std::size_t kMostHints = 16;
constexpr int kMostHintValues = 1000;  // repetitions included; the engine judges the rest
constexpr std::size_t kMostText = 255;
constexpr std::size_t kMostPublicKey = 16384;
constexpr std::size_t kMostHintValue = 4096;  // a query is the longest

Status Invalid(std::string_view field, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument,
               std::string(field) + " " + std::string(message), {{"field", std::string(field)}});
}

bool HasControl(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

Status CheckLength(std::string_view field, const std::string& value, std::size_t most) {
  if (value.size() <= most) return OkStatus();
  return Invalid(field, "must be at most " + std::to_string(most) + " bytes");
}

}  // namespace

Status CheckRef(std::string_view field, const std::string& value) {
  if (value.empty() || value.size() > kMostText || HasControl(value)) {
    return Invalid(field, "must be 1 to 255 bytes without control characters");
  }
  return OkStatus();
}

Status CheckRequestId(const std::string& value) {
  const bool fits = value.size() <= 64 && std::ranges::all_of(value, [](char c) {
                      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                             (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
                    });
  return fits ? OkStatus() : Invalid("request_id", "must be 1 to 64 of [A-Za-z0-9._-]");
}

Status CheckPage(std::int64_t page_size, const std::string& page_token) {
  if (page_size < 0 || page_size > kMostPage) return Invalid("page_size", "must be 0 to 1000");
  if (page_token.size() > 1024) {
    return Error(Code::kInvalidArgument, reason::kPageTokenInvalid,
                 "page_token is not of this list", {{"field", "page_token"}});
  }
  return OkStatus();
}

Status CheckCount(std::int64_t count) {
  return count >= 0 && count <= core::kMostCount ? OkStatus()
                                                 : Invalid("count", "must be 1 to 1000");
}

Status CheckTemplate(const v1::InstanceTemplate& instance) {
  RETURN_IF_ERROR(CheckRef("template.flavor", instance.flavor()));
  RETURN_IF_ERROR(CheckRef("template.image", instance.image()));
  if (instance.networks_size() > kMostNetworks) {
    return Invalid("template.networks", "must be at most 32");
  }
  for (const std::string& network : instance.networks()) {
    RETURN_IF_ERROR(CheckRef("template.networks", network));
  }
  RETURN_IF_ERROR(CheckLength("template.name", instance.name(), kMostText));
  RETURN_IF_ERROR(
      CheckLength("template.availability_zone", instance.availability_zone(), 3 * kMostText + 2));
  RETURN_IF_ERROR(CheckLength("template.host", instance.host(), kMostText));
  RETURN_IF_ERROR(
      CheckLength("template.hypervisor_hostname", instance.hypervisor_hostname(), kMostText));
  RETURN_IF_ERROR(CheckLength("template.key_name", instance.key_name(), kMostText));
  RETURN_IF_ERROR(CheckLength("template.public_key", instance.public_key(), kMostPublicKey));
  RETURN_IF_ERROR(CheckLength("template.admin_password", instance.admin_password(), kMostText));
  RETURN_IF_ERROR(CheckLength("template.project_id", instance.project_id(), kMostText));
  RETURN_IF_ERROR(CheckLength("template.user_id", instance.user_id(), kMostText));
  RETURN_IF_ERROR(CheckLength("template.user_data", instance.user_data(), kMostUserData));
  if (instance.metadata().size() > kMostMetadata) {
    return Invalid("template.metadata", "must be at most 128 entries");
  }
  for (const auto& [key, value] : instance.metadata()) {
    if (key.empty() || key.size() > kMostText || value.size() > kMostText) {
      return Invalid("template.metadata", "keys must be 1 to 255 bytes, values 0 to 255");
    }
  }
  if (instance.scheduler_hints().size() > kMostHints) {
    return Invalid("template.scheduler_hints", "are too many");
  }
  for (const auto& [key, values] : instance.scheduler_hints()) {
    if (key.size() > kMostText || values.values_size() > kMostHintValues) {
      return Invalid("template.scheduler_hints", "are too many");
    }
    for (const std::string& value : values.values()) {
      RETURN_IF_ERROR(CheckLength("template.scheduler_hints", value, kMostHintValue));
    }
  }
  return OkStatus();
}

Status CheckCreate(const v1::CreateInstancesRequest& request) {
  if (request.request_id().empty()) return Invalid("request_id", "is required");
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (!request.has_template_()) return Invalid("template", "is required");
  RETURN_IF_ERROR(CheckCount(request.count()));
  return CheckTemplate(request.template_());
}

}  // namespace kilonova::scheduler::adapters::grpc
