// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "agent/adapters/images/inspector/evidence.h"

namespace kilonova::agent::adapters::images {
namespace {

constexpr std::uint64_t kHeaderBytes = 592;
constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kFirstSector = 8;  // the header's own
constexpr std::uint64_t kSlots = 208;
constexpr std::uint64_t kSlotBytes = 48;
constexpr std::uint32_t kActive = 0x00ac71f3;
constexpr std::uint32_t kInactive = 0x0000dead;
constexpr std::uint32_t kStripes = 4000;

struct Material {
  std::uint64_t begin = 0;  // sectors
  std::uint64_t end = 0;
};

bool SlotsSane(Bytes head, std::uint64_t key_bytes, std::uint64_t payload) {
  std::array<Material, 8> all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::uint64_t at = kSlots + i * kSlotBytes;
    const std::uint32_t state = head.Be32(at);
    if (state != kActive && state != kInactive) return false;
    if (state == kActive && head.Be32(at + 4) == 0) return false;
    if (head.Be32(at + 44) != kStripes) return false;
    const std::uint64_t begin = head.Be32(at + 40);
    all[i] = {begin, begin + DivideUp(key_bytes * kStripes, kSector)};
    if (begin < kFirstSector || all[i].end > payload) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (all[i].begin < all[j].end && all[j].begin < all[i].end) return false;
    }
  }
  return true;
}

bool HasNul(Bytes head, std::uint64_t at) {
  for (std::uint64_t i = at; i < at + 32; ++i) {
    if (head.U8(i) == 0) return true;
  }
  return false;
}

}  // namespace

void JudgeLuks(const Evidence& e, Findings& findings) {
  const std::uint64_t payload = e.head.Be32(104);
  const std::uint64_t key_bytes = e.head.Be32(108);
  findings.FailIf(e.length < kHeaderBytes || payload * kSector > e.length, Check::kTruncated);
  findings.virtual_size = payload * kSector < e.length ? e.length - payload * kSector : 0;
  if (e.head.Be16(6) != 1) {
    findings.virtual_size.reset();
    return findings.Fail(Check::kVersion);
  }
  const bool names = HasNul(e.head, 8) && HasNul(e.head, 40) && HasNul(e.head, 72);
  findings.FailIf(!names || payload < kFirstSector || key_bytes == 0 || e.head.Be32(164) == 0 ||
                      !SlotsSane(e.head, key_bytes, payload),
                  Check::kHeader);
}

}  // namespace kilonova::agent::adapters::images
