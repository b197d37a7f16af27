// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/errors.h"

namespace kilonova::hardware {

Status FlavorRefused(std::string_view nova_exception, std::string_view field,
                     std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kFlavorInvalid, message,
               {{kNovaException, std::string(nova_exception)}, {"field", std::string(field)}});
}

Status ImageRefused(std::string_view nova_exception, std::string_view field,
                    std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kImageInvalid, message,
               {{kNovaException, std::string(nova_exception)}, {"field", std::string(field)}});
}

Status HostRefused(std::string_view nova_exception, std::string_view message) {
  return Error(Code::kFailedPrecondition, reason::kHostResourcesExhausted, message,
               {{kNovaException, std::string(nova_exception)}});
}

std::string NovaExceptionOf(const Status& status) {
  const Details details = DetailsOf(status);
  const auto found = details.find(kNovaException);
  return found == details.end() ? std::string() : found->second;
}

}  // namespace kilonova::hardware
