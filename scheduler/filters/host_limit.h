// SPDX-License-Identifier: Apache-2.0
// Filters that refuse a host once it has so many of something, by configuration or by what its
// aggregates say.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::filters {

struct HostLimit {
  std::string_view filter;  // Nova's name
  std::string_view what;    // counted, for people: "instances"
  std::int64_t core::HostNumbers::*number;
  std::int64_t most = 0;          // a host with as many is full
  std::string_view metadata_key;  // "" = aggregates have no say
};

std::unique_ptr<core::Filter> MakeHostLimitFilter(const HostLimit& limit);

}  // namespace kilonova::scheduler::filters
