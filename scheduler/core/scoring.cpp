// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/scoring.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/base/python_text.h"

namespace kilonova::scheduler::core {
namespace {

// The greatest of at least one value. Four at a time: one alone would wait for itself.
double Greatest(const std::vector<double>& values) {
  double most[4] = {values[0], values[0], values[0], values[0]};
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    for (std::size_t k = 0; k < 4; ++k) most[k] = values[i + k] > most[k] ? values[i + k] : most[k];
  }
  for (; i < values.size(); ++i) most[0] = values[i] > most[0] ? values[i] : most[0];
  return std::max(std::max(most[0], most[1]), std::max(most[2], most[3]));
}

}  // namespace

double MultiplierFor(const std::vector<Aggregate>& aggregates, const Weigher& weigher) {
  const std::string key(weigher.MultiplierKey());
  bool any = false;
  double least = 0;
  for (const auto& aggregate : aggregates) {
    const auto found = aggregate.metadata.find(key);
    if (found == aggregate.metadata.end()) continue;
    const auto value = PyFloat(found->second);
    if (!value) return weigher.MultiplierSign() * weigher.Multiplier();
    if (!any || *value < least) least = *value;
    any = true;
  }
  return weigher.MultiplierSign() * (any ? least : weigher.Multiplier());
}

Status Scorer::Check(const Fleet& fleet, std::span<const HostIndex> hosts) const {
  if (hosts.size() <= 1) return OkStatus();
  for (const auto& weigher : weighers_) RETURN_IF_ERROR(weigher->Check(fleet, hosts));
  return OkStatus();
}

const Scorer::Multipliers& Scorer::MultipliersOf(const Fleet& fleet, std::size_t weigher) {
  if (multipliers_.size() < weighers_.size()) multipliers_.resize(weighers_.size());
  Multipliers& cached = multipliers_[weigher];
  const std::uint64_t version = fleet.aggregate_lists.Version();
  if (cached.version == version && !cached.by_aggregates.empty()) return cached;
  cached.version = version;
  cached.uniform = true;
  cached.finite = true;
  cached.by_aggregates.assign(fleet.aggregate_lists.Size(), 0);
  for (std::uint32_t id = 0; id < cached.by_aggregates.size(); ++id) {
    const auto* aggregates = fleet.aggregate_lists.Find(id);
    cached.by_aggregates[id] =
        MultiplierFor(aggregates ? *aggregates : std::vector<Aggregate>{}, *weighers_[weigher]);
    if (cached.by_aggregates[id] != cached.by_aggregates[0]) cached.uniform = false;
    if (!std::isfinite(cached.by_aggregates[id])) cached.finite = false;
  }
  return cached;
}

Scorer::Range Scorer::Weigh(const Fleet& fleet, const PlacementRequest& request,
                            std::span<const HostIndex> hosts, std::size_t weigher) {
  raw_.resize(hosts.size());
  weighers_[weigher]->Weigh(fleet, request, hosts, raw_);
  const auto minimum = weighers_[weigher]->Minimum();
  const auto maximum = weighers_[weigher]->Maximum();
  if (minimum) {
    const double least = *minimum;
    for (double& value : raw_) value = least > value ? least : value;
  }
  if (maximum) {
    const double most = *maximum;
    for (double& value : raw_) value = most < value ? most : value;
  }
  const double low = minimum ? *minimum : std::ranges::min(raw_);
  const double high = maximum ? *maximum : Greatest(raw_);
  return {low, low == high ? 0.0 : high - low};
}

const std::vector<double>& Scorer::Totals(const Fleet& fleet, const PlacementRequest& request,
                                          std::span<const HostIndex> hosts) {
  totals_.assign(hosts.size(), 0.0);
  if (hosts.size() <= 1) return totals_;
  for (std::size_t w = 0; w < weighers_.size(); ++w) {
    const Multipliers& multipliers = MultipliersOf(fleet, w);
    // Zero times a finite number adds nothing; times an infinite one it is no number.
    if (multipliers.finite && weighers_[w]->Scope(request) == WeigherScope::kSame) continue;
    const Range range = Weigh(fleet, request, hosts, w);
    // Each loop as bare as it can be: they run over every host that passed.
    const double low = range.low;
    const double span = range.span;
    if (span == 0) {
      for (std::size_t i = 0; i < hosts.size(); ++i) {
        totals_[i] += multipliers.by_aggregates[fleet.aggregates[hosts[i]]] * 0.0;
      }
    } else if (multipliers.uniform) {
      const double multiplier = multipliers.by_aggregates[0];
      double* totals = totals_.data();
      const double* raw = raw_.data();
      for (std::size_t i = 0; i < hosts.size(); ++i) {
        totals[i] += multiplier * ((raw[i] - low) / span);
      }
    } else {
      for (std::size_t i = 0; i < hosts.size(); ++i) {
        totals_[i] +=
            multipliers.by_aggregates[fleet.aggregates[hosts[i]]] * ((raw_[i] - low) / span);
      }
    }
  }
  return totals_;
}

std::vector<WeigherScores> Scorer::Details(const Fleet& fleet, const PlacementRequest& request,
                                           std::span<const HostIndex> hosts) {
  std::vector<WeigherScores> all(weighers_.size());
  if (hosts.empty()) return all;
  for (std::size_t w = 0; w < weighers_.size(); ++w) {
    const Range range = Weigh(fleet, request, hosts, w);
    const Multipliers& multipliers = MultipliersOf(fleet, w);
    WeigherScores& scores = all[w];
    scores.raw = raw_;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      scores.normalized.push_back(range.span == 0 ? 0.0 : (raw_[i] - range.low) / range.span);
      scores.multiplier.push_back(multipliers.by_aggregates[fleet.aggregates[hosts[i]]]);
    }
  }
  return all;
}

std::vector<HostIndex> BestOf(std::span<const HostIndex> hosts, std::span<const double> totals,
                              std::size_t wanted) {
  struct Entry {
    double total;
    std::uint32_t position;
  };
  const auto better = [](const Entry& a, const Entry& b) {
    return a.total != b.total ? a.total > b.total : a.position < b.position;
  };
  const std::size_t most = std::min(wanted, hosts.size());
  std::vector<Entry> best;  // once full, a heap with the worst of them on top
  best.reserve(most);
  for (std::uint32_t i = 0; i < hosts.size() && most > 0; ++i) {
    const double total = totals[i];
    const Entry entry{std::isnan(total) ? -std::numeric_limits<double>::infinity() : total, i};
    if (best.size() < most) {
      best.push_back(entry);
      if (best.size() == most && most < hosts.size()) std::ranges::make_heap(best, better);
    } else if (entry.total > best.front().total) {
      std::ranges::pop_heap(best, better);
      best.back() = entry;
      std::ranges::push_heap(best, better);
    }
  }
  std::ranges::sort(best, better);
  std::vector<HostIndex> sorted;
  sorted.reserve(best.size());
  for (const Entry& entry : best) sorted.push_back(hosts[entry.position]);
  return sorted;
}

}  // namespace kilonova::scheduler::core
