// SPDX-License-Identifier: Apache-2.0
// Formats whose rules fit in a few lines: VDI, ISO 9660 and partition tables.
#include <algorithm>

#include "agent/adapters/images/inspector/evidence.h"

namespace kilonova::agent::adapters::images {

void JudgeVdi(const Evidence& e, Findings& findings) {
  findings.virtual_size = e.head.Le64(0x170);
  findings.FailIf(e.length < 512, Check::kTruncated);
  // The link and parent UUIDs.
  findings.FailIf(!e.head.AllZero(0x1a8, 32), Check::kBackingFile);
}

void JudgeIso(const Evidence& e, Findings& findings) {
  constexpr std::uint64_t kDescriptor = 32768;
  findings.FailIf(e.length < kDescriptor + 2048, Check::kTruncated);
  std::uint64_t size = e.length;
  if (e.head.U8(kDescriptor) == 1) {
    size = std::max(size,
                    std::uint64_t{e.head.Le32(kDescriptor + 80)} * e.head.Le16(kDescriptor + 128));
  }
  findings.virtual_size = size;
}

void JudgeMbr(const Evidence& e, Findings& findings) {
  constexpr std::uint8_t kProtective = 0xEE;
  findings.virtual_size = e.length;
  unsigned used = 0;
  bool protective_elsewhere = false;
  for (std::uint64_t i = 0; i < 4; ++i) {
    const std::uint64_t at = 446 + 16 * i;
    const std::uint8_t flag = e.head.U8(at);
    findings.FailIf(flag != 0 && flag != 0x80, Check::kMbr);
    const std::uint8_t type = e.head.U8(at + 4);
    if (type != 0) ++used;
    if (type != kProtective) continue;
    const bool canonical = e.head.U8(at + 1) == 0 && e.head.U8(at + 2) == 2 &&
                           e.head.U8(at + 3) == 0 && e.head.Le32(at + 8) == 1;
    protective_elsewhere |= i != 0 || !canonical;
  }
  const bool protective = e.head.U8(446 + 4) == kProtective;
  findings.FailIf(used == 0 || protective_elsewhere || (protective && used != 1), Check::kMbr);
}

}  // namespace kilonova::agent::adapters::images
