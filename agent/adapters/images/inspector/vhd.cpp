// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/adapters/images/inspector/evidence.h"

namespace kilonova::agent::adapters::images {
namespace {

constexpr std::uint64_t kFooterBytes = 512;
constexpr std::uint64_t kDynamicBytes = 1024;
constexpr std::uint32_t kDynamic = 3;
constexpr std::uint32_t kDifferencing = 4;

// The ones' complement of the sum of all bytes but the checksum's own.
std::uint32_t Checksum(Bytes footer) {
  std::uint32_t sum = 0;
  for (std::uint64_t i = 0; i < kFooterBytes; ++i) {
    if (i < 64 || i >= 68) sum += footer.U8(i);
  }
  return ~sum;
}

}  // namespace

std::uint64_t VhdDynamicOffset(Bytes head) { return head.Be64(16); }

void JudgeVhd(const Evidence& e, Findings& findings) {
  const std::uint32_t type = e.head.Be32(60);
  const std::uint64_t geometry =
      std::uint64_t{e.head.Be16(56)} * e.head.U8(58) * e.head.U8(59) * 512;
  findings.virtual_size = std::max({e.head.Be64(40), e.head.Be64(48), geometry});
  findings.FailIf(type < 2 || type > 4, Check::kHeader);
  findings.FailIf(type == kDifferencing, Check::kBackingFile);
  if (e.length < kFooterBytes) return findings.Fail(Check::kTruncated);
  findings.FailIf(Checksum(e.head) != e.head.Be32(64), Check::kHeader);
  if (type != kDynamic && type != kDifferencing) return;
  if (SaturatingAdd(VhdDynamicOffset(e.head), kDynamicBytes) > e.length) {
    return findings.Fail(Check::kTruncated);
  }
  findings.FailIf(!e.vhd_dynamic.Has(0, "cxsparse"), Check::kHeader);
}

}  // namespace kilonova::agent::adapters::images
