// SPDX-License-Identifier: Apache-2.0
#include "flavors/extra_specs/shown.h"

#include <cstddef>

#include "common/base/unicode.h"

namespace kilonova::flavors::extra_specs {

std::string Shown(std::string_view text) {
  std::string out;
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    if (count == 64) return out + "...";
    const std::size_t here = at;
    if (IsNamePrintable(NextCodePoint(text, at))) {
      out += text.substr(here, at - here);
    } else {
      out += '?';
    }
  }
  return out;
}

}  // namespace kilonova::flavors::extra_specs
