// SPDX-License-Identifier: Apache-2.0
// The query language of the JsonFilter: ["and", [">=", "$free_ram_mb", 1024], ["in", "$host",
// "a"]]. A "$name" is an attribute of the host, "$stats.name" an entry of it where it is a
// dictionary. The answers are Python's: no number is above a text, and who compares them gets an
// error.
#pragma once

#include <string_view>

#include "common/base/status.h"
#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"
#include "scheduler/filters/host_attributes.h"

namespace kilonova::scheduler::filters {

// Operators and operands; bytes and depth are bounded by core/query_bounds.h.
inline constexpr std::size_t kMostQueryTerms = 128;

class JsonQuery {
 public:
  // INVALID_ARGUMENT with the field scheduler_hints.query for what is no JSON or above the bounds.
  static Expected<JsonQuery> Parse(std::string_view text);
  core::Judgement Judge(const core::Fleet& fleet, core::HostIndex host) const;

 private:
  explicit JsonQuery(PyJson query) : query_(std::move(query)) {}
  PyJson query_;
};

}  // namespace kilonova::scheduler::filters
