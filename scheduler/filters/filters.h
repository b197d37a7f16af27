// SPDX-License-Identifier: Apache-2.0
// The filters by name. A new rule is one file here plus its line in the table of filters.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::filters {

struct FilterOptions {
  std::string default_availability_zone = "nova";
  std::string image_properties_default_architecture;  // "" = none
};

// Nova's names of the filters there are, in alphabetical order.
std::vector<std::string> KnownFilters();
// What runs unless configured otherwise, in this order.
std::vector<std::string> DefaultFilters();

// CONFIG_INVALID, naming it, for a filter that is unknown or named twice and for options no filter
// can use.
Expected<std::vector<std::unique_ptr<core::Filter>>> MakeFilters(
    const std::vector<std::string>& names, const FilterOptions& options);

}  // namespace kilonova::scheduler::filters
