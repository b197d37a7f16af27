// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/query_bounds.h"

namespace kilonova::scheduler::core {
namespace {

// Brackets outside of texts.
bool IsTooDeep(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMostQueryDepth) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

Status BadQuery(std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", "scheduler_hints.query"}});
}

}  // namespace

Status CheckQueryBounds(std::string_view query) {
  if (query.size() > kMostQueryBytes) return BadQuery("a query may have at most 2048 bytes");
  if (IsTooDeep(query)) return BadQuery("a query may be nested at most 16 deep");
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
