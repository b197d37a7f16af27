// SPDX-License-Identifier: Apache-2.0
// The weighers by name. A new rule is one file here plus its line in the table of weighers.cpp.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::weighers {

struct WeigherOptions {
  // By Nova's option name, "ram_weight_multiplier"; absent = Nova's default. A negative one stacks
  // instances where a positive one spreads them.
  std::map<std::string, double, std::less<>> multipliers;
  // Of the MetricsWeigher, Nova's [metrics]: "cpu.frequency=1.0", whether a host without one of
  // them makes the placement fail, and else what it weighs.
  std::vector<std::string> metrics_weight_setting;
  bool metrics_required = true;
  double metrics_weight_of_unavailable = -10000.0;
  // Of the ImagePropertiesWeigher: "os_distro=10", which properties count and how much; empty: all
  // of them, 1 each.
  std::vector<std::string> image_props_weight_setting;
};

std::vector<std::string> KnownWeighers();    // Nova's names, alphabetical
std::vector<std::string> DefaultWeighers();  // what runs unless configured otherwise

// CONFIG_INVALID, naming it, for a weigher that is unknown or named twice, an option no weigher
// here has, and a multiplier that is no finite number.
Expected<std::vector<std::unique_ptr<core::Weigher>>> MakeWeighers(
    const std::vector<std::string>& names, const WeigherOptions& options);

}  // namespace kilonova::scheduler::weighers
