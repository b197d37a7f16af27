// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/aggregate_metadata.h"

#include <algorithm>

#include "common/base/python_text.h"

namespace kilonova::scheduler::filters {

std::map<std::string, std::set<std::string>> MetadataOf(const Aggregates& aggregates) {
  std::map<std::string, std::set<std::string>> metadata;
  for (const auto& aggregate : aggregates) {
    for (const auto& [key, value] : aggregate.metadata) {
      auto& values = metadata[key];
      for (const auto piece : PySplitComma(value)) values.emplace(PyStrip(piece));
    }
  }
  return metadata;
}

std::set<std::string> ValuesOf(const Aggregates& aggregates, const std::string& key) {
  std::set<std::string> values;
  for (const auto& aggregate : aggregates) {
    const auto found = aggregate.metadata.find(key);
    if (found != aggregate.metadata.end()) values.insert(found->second);
  }
  return values;
}

std::int64_t LeastOf(const Aggregates& aggregates, const std::string& key, std::int64_t fallback) {
  std::optional<std::int64_t> least;
  for (const auto& value : ValuesOf(aggregates, key)) {
    const auto number = PyInt(value);
    if (!number) return fallback;
    least = std::min(least.value_or(*number), *number);
  }
  return least.value_or(fallback);
}

std::string Listed(const std::set<std::string>& values, std::string_view none) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ", ") + value;
  return text.empty() ? std::string(none) : text;
}

PreparedAggregateFilter::PreparedAggregateFilter(const core::Fleet& fleet, const Rule& rule) {
  for (std::uint32_t id = 0; id < fleet.aggregate_lists.Size(); ++id) {
    const auto* aggregates = fleet.aggregate_lists.Find(id);
    by_aggregates_.push_back(aggregates != nullptr ? rule(*aggregates) : core::Judgement::kRefuse);
    errors_ = errors_ || by_aggregates_.back() == core::Judgement::kError;
  }
}

core::Judgement PreparedAggregateFilter::Judge(const core::Fleet& fleet,
                                               core::HostIndex host) const {
  return by_aggregates_[fleet.aggregates[host]];
}

Status PreparedAggregateFilter::Keep(const core::Fleet& fleet,
                                     std::vector<core::HostIndex>& hosts) const {
  if (errors_) return PreparedFilter::Keep(fleet, hosts);
  const std::uint32_t* aggregates = fleet.aggregates.data();
  const core::Judgement* judgements = by_aggregates_.data();
  core::KeepIf(hosts, [aggregates, judgements](core::HostIndex host) {
    return judgements[aggregates[host]] == core::Judgement::kPass;
  });
  return OkStatus();
}

}  // namespace kilonova::scheduler::filters
