// SPDX-License-Identifier: Apache-2.0
#include "agent/app/metrics.h"

namespace kilonova::agent::app {

void CounterExport::Update(const std::map<std::string, std::int64_t>& totals) {
  for (const auto& [name, total] : totals) {
    std::int64_t& before = before_[name];
    const auto dot = name.find('.');
    runtime::Labels labels;
    if (dot != std::string::npos) labels["what"] = name.substr(dot + 1);
    metrics_.Count("kilonova_agent_" + name.substr(0, dot) + "_total", labels,
                   static_cast<double>(total - before));
    before = total;
  }
}

}  // namespace kilonova::agent::app
