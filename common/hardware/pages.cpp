// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pages.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "common/hardware/errors.h"

namespace kilonova::hardware {
namespace {

constexpr std::int64_t kKibPerMib = 1024;

enum class Counting { kFree, kTotal };

// Pages of a size the cell does not have fit nothing.
Expected<bool> Fits(const HostNumaCell& host, std::int64_t size, std::int64_t memory_kb,
                    Counting counting) {
  const auto pages = std::ranges::find(host.mempages, size, &HostPages::size_kb);
  if (pages == host.mempages.end()) return false;
  if (memory_kb > (counting == Counting::kFree ? pages->FreeKb() : pages->TotalKb())) return false;
  if (size == 0) return HostRefused("ZeroDivisionError", "the host has pages of no size");
  return memory_kb % size == 0;
}

// The sizes a wish allows, largest first.
std::vector<std::int64_t> Candidates(const HostNumaCell& host, std::int64_t wish) {
  if (wish != kPagesSmall && wish != kPagesLarge && wish != kPagesAny) return {wish};
  std::vector<std::int64_t> sizes;
  for (const auto& pages : host.mempages) sizes.push_back(pages.size_kb);
  std::ranges::sort(sizes, std::greater());
  if (sizes.empty()) return sizes;
  if (wish == kPagesSmall) sizes = {sizes.back()};
  if (wish == kPagesLarge) sizes.pop_back();
  return sizes;
}

}  // namespace

std::optional<std::int64_t> SmallestPage(const HostNumaCell& cell) {
  if (cell.mempages.empty()) return std::nullopt;
  return std::ranges::min(cell.mempages, {}, &HostPages::size_kb).size_kb;
}

Expected<bool> FitPages(const HostNumaCell& host, InstanceNumaCell& instance) {
  const std::int64_t memory_kb = instance.memory * kKibPerMib;
  if (instance.pagesize.value_or(0) != 0) {
    for (const std::int64_t size : Candidates(host, *instance.pagesize)) {
      ASSIGN_OR_RETURN(const bool fits, Fits(host, size, memory_kb, Counting::kFree));
      if (!fits) continue;
      instance.pagesize = size;
      return size != 0;
    }
    return false;
  }
  // Without a wish memory may be overcommitted, but not against the guest itself.
  if (const auto smallest = SmallestPage(host)) {
    return Fits(host, *smallest, memory_kb, Counting::kTotal);
  }
  return instance.memory <= host.memory;
}

}  // namespace kilonova::hardware
