// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/records.h"

#include <tuple>

#include "scheduler/core/outbox.h"

namespace kilonova::scheduler::core {
namespace {

template <class T>
bool SameValue(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a && b && *a == *b);
}

auto States(const InstanceRecord& r) {
  return std::tie(r.vm_state, r.task_state, r.power_state, r.host, r.node, r.availability_zone,
                  r.claim_id, r.generation, r.started_generation, r.tried_hosts, r.alternates);
}
auto History(const InstanceRecord& r) {
  return std::tie(r.fault, r.attempts, r.request_id, r.action_request_id, r.updated_at,
                  r.launched_at, r.terminated_at, r.revision);
}

}  // namespace

bool SameInstance(const InstanceRecord& a, const InstanceRecord& b) {
  return a.spec == b.spec && SameValue(a.flavor, b.flavor) && SameValue(a.image, b.image) &&
         SameValue(a.kernel, b.kernel) && SameValue(a.ramdisk, b.ramdisk) && a.nics == b.nics &&
         a.hints == b.hints && a.server_group == b.server_group && a.forced_host == b.forced_host &&
         States(a) == States(b) && History(a) == History(b) &&
         (a.explanation == nullptr) == (b.explanation == nullptr) &&
         (a.explanation == nullptr || a.explanation->summary == b.explanation->summary);
}

std::uint64_t MacNumber(std::string_view mac) {
  std::uint64_t number = 0;
  if (mac.size() != 17) return number;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char c = mac[i];
    if (i % 3 == 2) {
      if (c != ':') return 0;
      continue;
    }
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return 0;
    number = number << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return number;
}

}  // namespace kilonova::scheduler::core
