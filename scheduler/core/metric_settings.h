// SPDX-License-Identifier: Apache-2.0
// Nova's [metrics] weight_setting: "cpu.frequency=1.0", which metrics of a host count and how much.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kilonova::scheduler::core {

using MetricSettings = std::vector<std::pair<std::string, double>>;  // name and ratio, in order

// As Nova, leaves out what is not name=number; `bad` gets it.
MetricSettings ParseMetricSettings(const std::vector<std::string>& entries,
                                   std::vector<std::string>* bad = nullptr);

}  // namespace kilonova::scheduler::core
