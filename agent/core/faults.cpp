// SPDX-License-Identifier: Apache-2.0
#include "agent/core/faults.h"

#include <algorithm>
#include <array>

namespace kilonova::agent::core {
namespace {

// One table; every other reason is the request's own fault.
constexpr std::array kHostSpecific = {
    reason::kHostResourcesExhausted, reason::kHostDiskFull, reason::kHostNetworkMissing,
    reason::kHypervisorUnavailable,
    reason::kHypervisorRefused,  // another host's libvirt or QEMU may be able to
    reason::kImageFetchFailed,   // another host may have it cached, or reach the server
    reason::kConfigDriveFailed,      reason::kUnavailable,  reason::kDeadlineExceeded,
    reason::kJournalFailed,          reason::kInternal,
};

}  // namespace

bool IsRetryable(const Status& status) {
  const std::string name = ReasonOf(status);
  return std::ranges::any_of(kHostSpecific, [&name](Reason r) { return r.name == name; });
}

model::Fault MakeFault(const Status& status) {
  std::string message = Message(status);
  for (const auto& [key, value] : DetailsOf(status)) {
    if (key == kOperatorDetail || value.empty()) continue;
    message += "; " + key + ": " + value;
  }
  return {ReasonOf(status), std::move(message), IsRetryable(status)};
}

}  // namespace kilonova::agent::core
