// SPDX-License-Identifier: Apache-2.0
// The total of a host's weights, computed the same way wherever it is, to the last bit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::core::fast {

// What normalisation subtracts from a weigher's raw value and divides by.
struct Range {
  double low = 0;
  double span = 0;  // 0: all normalise to 0
  friend bool operator==(const Range&, const Range&) = default;
};

struct Extreme {
  double low = 0;
  double high = 0;
};

// One weigher of one request.
struct Weighed {
  std::optional<std::size_t> row;  // of the points, or
  double constant = 0;             // the raw value of all hosts in trees, clamped
  bool same = false;               // that of all hosts whatsoever
  std::optional<double> minimum, maximum;
};

Range RangeOf(const Weighed& weighed, const Extreme& extreme);

// The terms of a total, in the order they are summed.
struct Term {
  bool constant = false;
  std::size_t row = 0;
  double value = 0;  // a constant term
  double multiplier = 0;
  double low = 0;
  double span = 0;
};

// All by weigher.
void SetTerms(std::span<const Weighed> weighers, std::span<const Range> ranges,
              std::span<const double> multipliers, std::vector<Term>& terms);

// Values of rows are `stride` apart.
inline double SumOf(std::span<const Term> terms, const double* values, std::size_t stride) {
  double total = 0;
  for (const Term& term : terms) {
    total += term.constant ? term.value
                           : term.multiplier * ((values[term.row * stride] - term.low) / term.span);
  }
  return total;
}

// The total of one host, computed as Scorer computes it from the raw values, clamped.
double TotalOf(std::span<const Range> ranges, std::span<const double> multipliers,
               std::span<const double> raw);

struct Found {
  double total = 0;
  HostIndex host = 0;
};

// Nova's order, where ties are decided by the order of hosts.
inline bool IsBefore(const Found& a, const Found& b) {
  return a.total != b.total ? a.total > b.total : a.host < b.host;
}

}  // namespace kilonova::scheduler::core::fast
