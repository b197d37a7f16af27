// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/refusal.h"

#include "common/hardware/errors.h"

namespace kilonova::agent::guest {

Status Refuse(Reason reason, std::string_view nova_exception, std::string_view message,
              std::initializer_list<std::pair<std::string_view, std::string>> details) {
  const Code code =
      reason == reason::kFeatureNotServed ? Code::kFailedPrecondition : Code::kInvalidArgument;
  return WithDetail(Error(code, reason, message, details), hardware::kNovaException,
                    nova_exception);
}

}  // namespace kilonova::agent::guest
