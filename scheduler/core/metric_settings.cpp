// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/metric_settings.h"

#include "common/base/python_text.h"

namespace kilonova::scheduler::core {

MetricSettings ParseMetricSettings(const std::vector<std::string>& entries,
                                   std::vector<std::string>* bad) {
  MetricSettings settings;
  for (const auto& entry : entries) {
    const auto equals = entry.find('=');
    const auto ratio =
        equals == std::string::npos ? std::nullopt : PyFloat(entry.substr(equals + 1));
    if (ratio && equals > 0) {
      settings.emplace_back(entry.substr(0, equals), *ratio);
    } else if (bad != nullptr) {
      bad->push_back(entry);
    }
  }
  return settings;
}

}  // namespace kilonova::scheduler::core
