// SPDX-License-Identifier: Apache-2.0
// What the aggregates of a host say. Many hosts share one list of aggregates: filters that read
// nothing else judge each list once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::filters {

using Aggregates = std::vector<core::Aggregate>;

// Per key, the values of all aggregates: split at commas, white space stripped.
std::map<std::string, std::set<std::string>> MetadataOf(const Aggregates& aggregates);
// The values of one key as they stand, each once.
std::set<std::string> ValuesOf(const Aggregates& aggregates, const std::string& key);
// The least of the whole numbers that ValuesOf says; `fallback` if it says none or one of them is
// no number.
std::int64_t LeastOf(const Aggregates& aggregates, const std::string& key, std::int64_t fallback);
// "a, b", for people; `none` for nothing.
std::string Listed(const std::set<std::string>& values, std::string_view none);

// Judges lists of aggregates, and through them hosts.
class PreparedAggregateFilter : public core::PreparedFilter {
 public:
  using Rule = std::function<core::Judgement(const Aggregates&)>;

  PreparedAggregateFilter(const core::Fleet& fleet, const Rule& rule);
  core::Judgement Judge(const core::Fleet& fleet, core::HostIndex host) const override;
  Status Keep(const core::Fleet& fleet, std::vector<core::HostIndex>& hosts) const override;

 private:
  std::vector<core::Judgement> by_aggregates_;
  bool errors_ = false;
};

}  // namespace kilonova::scheduler::filters
