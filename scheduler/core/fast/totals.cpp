// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/totals.h"

namespace kilonova::scheduler::core::fast {

Range RangeOf(const Weighed& weighed, const Extreme& extreme) {
  const double low = weighed.minimum.value_or(extreme.low);
  const double high = weighed.maximum.value_or(extreme.high);
  return {low, low == high ? 0.0 : high - low};
}

void SetTerms(std::span<const Weighed> weighers, std::span<const Range> ranges,
              std::span<const double> multipliers, std::vector<Term>& terms) {
  terms.clear();
  for (std::size_t w = 0; w < weighers.size(); ++w) {
    const Range& range = ranges[w];
    if (range.span == 0) continue;
    const Weighed& weighed = weighers[w];
    Term term;
    term.multiplier = multipliers[w];
    term.low = range.low;
    term.span = range.span;
    if (weighed.row) {
      term.row = *weighed.row;
    } else {
      term.constant = true;
      term.value = term.multiplier * ((weighed.constant - range.low) / range.span);
    }
    terms.push_back(term);
  }
}

double TotalOf(std::span<const Range> ranges, std::span<const double> multipliers,
               std::span<const double> raw) {
  double total = 0;
  for (std::size_t w = 0; w < ranges.size(); ++w) {
    if (ranges[w].span == 0) continue;
    total += multipliers[w] * ((raw[w] - ranges[w].low) / ranges[w].span);
  }
  return total;
}

}  // namespace kilonova::scheduler::core::fast
