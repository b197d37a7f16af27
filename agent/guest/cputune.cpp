// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/context.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"
#include "common/base/python_text.h"

namespace kilonova::agent::guest {

Status DescribeCpuQuota(const Context& context, Domain& domain) {
  for (const auto& [key, member] : {std::pair("quota:cpu_shares", &CpuTune::shares),
                                    std::pair("quota:cpu_period", &CpuTune::period),
                                    std::pair("quota:cpu_quota", &CpuTune::quota)}) {
    const auto at = context.input.flavor.extra_specs.find(key);
    if (at == context.input.flavor.extra_specs.end()) continue;
    if (!context.host.cpu_control) {
      return Refuse(reason::kFeatureNotServed, "UnsupportedHostCPUControlPolicy",
                    "this host's kernel cannot limit CPU time", {{"key", key}});
    }
    const auto number = PyInt(at->second);
    if (!number) {
      return Refuse(reason::kFlavorInvalid, "ValueError",
                    std::string(key) + " is not a number: " + Printable(at->second),
                    {{"key", key}});
    }
    if (!domain.cpu_tune) domain.cpu_tune.emplace();
    (*domain.cpu_tune).*member = *number;
  }
  return OkStatus();
}

}  // namespace kilonova::agent::guest
