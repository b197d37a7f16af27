// SPDX-License-Identifier: Apache-2.0
// The filters by name. A new rule is one file here plus its line in the table of filters.cpp.
#pragma once

#include <cstdint>
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
  std::int64_t max_io_ops_per_host = 8;
  std::int64_t max_instances_per_host = 50;
  std::vector<std::string> isolated_images;  // ids
  std::vector<std::string> isolated_hosts;
  bool restrict_isolated_hosts_to_isolated_images = true;
  std::string aggregate_image_properties_isolation_namespace;  // "" = none
  std::string aggregate_image_properties_isolation_separator = ".";
  std::vector<std::string> metrics_weight_setting;           // as the MetricsWeigher's
  bool packing_host_numa_cells_allocation_strategy = false;  // as the pipeline's pack_numa_cells
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
