// SPDX-License-Identifier: Apache-2.0
// The extreme of a row of a block.
#pragma once

#include <cstddef>

namespace kilonova::scheduler::core::fast {

// The best of at least one value. Four at a time: one alone would wait for itself.
template <class T, class Better>
T BestIn(const T* values, std::size_t count, Better better) {
  T best[4] = {values[0], values[0], values[0], values[0]};
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) {
      best[k] = better(values[i + k], best[k]) ? values[i + k] : best[k];
    }
  }
  for (; i < count; ++i) best[0] = better(values[i], best[0]) ? values[i] : best[0];
  for (std::size_t k = 1; k < 4; ++k) best[0] = better(best[k], best[0]) ? best[k] : best[0];
  return best[0];
}

}  // namespace kilonova::scheduler::core::fast
