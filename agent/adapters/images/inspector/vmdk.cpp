// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/adapters/images/inspector/evidence.h"

namespace kilonova::agent::adapters::images {
namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kFooterBytes = 3 * kSector;
constexpr std::uint64_t kDescriptorLimit = (1U << 20) - 1;
constexpr std::uint64_t kGrainDirectoryAtEnd = ~std::uint64_t{0};

// The fields a header and its footer share; `at` is where the header begins.
struct Header {
  Header(Bytes b, std::uint64_t at)
      : version(b.Le32(at + 4)),
        capacity(b.Le64(at + 12)),
        grain(b.Le64(at + 20)),
        descriptor_sector(b.Le64(at + 28)),
        descriptor_sectors(b.Le64(at + 36)),
        table_entries(b.Le32(at + 44)),
        grain_directory(b.Le64(at + 56)),
        overhead(b.Le64(at + 64)),
        compression(b.Le16(at + 77)) {}

  std::uint32_t version;
  std::uint64_t capacity;
  std::uint64_t grain;
  std::uint64_t descriptor_sector;
  std::uint64_t descriptor_sectors;
  std::uint32_t table_entries;
  std::uint64_t grain_directory;
  std::uint64_t overhead;
  std::uint16_t compression;
};

bool HeaderSane(const Header& h) {
  if (h.capacity == 0 || SaturatingMul(h.capacity, kSector) > kMaxOffset) return false;
  if (h.grain < 1 || h.grain > 0x200000) return false;
  if (h.table_entries < 1 || h.table_entries > 512) return false;
  if (DivideUp(h.capacity, h.grain * h.table_entries) > (1U << 25)) return false;
  return h.compression <= 1;
}

bool FooterRepeatsHeader(Bytes head, Bytes tail) {
  // Marker sector: value u64 (any), size 0, type 3, zeros.
  if (tail.Le32(8) != 0 || tail.Le32(12) != 3 || !tail.AllZero(16, kSector - 16)) return false;
  if (tail.Le64(kSector + 56) == kGrainDirectoryAtEnd) return false;
  if (!tail.AllZero(2 * kSector, kSector)) return false;
  // All fields up to the compression, but the grain directory (56), the dirty flag (72) and the
  // four bytes that detect newline damage (73).
  const auto same = [&](std::uint64_t at, std::uint64_t count) {
    return head.Slice(at, count) == tail.Slice(kSector + at, count);
  };
  return same(0, 56) && same(64, 8) && same(77, 2);
}

void JudgeFooter(const Evidence& e, const Header& h, Findings& findings) {
  const std::uint64_t descriptor = SaturatingMul(h.descriptor_sectors, kSector);
  const std::uint64_t smallest = SaturatingAdd(descriptor, kSector + kFooterBytes);
  if (e.length % kSector != 0 || e.length < smallest || e.tail.size() < kFooterBytes) {
    return findings.Fail(Check::kFooter);
  }
  findings.FailIf(!FooterRepeatsHeader(e.head, e.tail), Check::kFooter);
}

void JudgeDescriptor(const Evidence& e, const Header& h, Findings& findings) {
  findings.FailIf(e.length < kSector, Check::kTruncated);
  if (h.descriptor_sector != 1 || h.descriptor_sectors == 0) {
    return findings.Fail(Check::kDescriptor);
  }
  if (SaturatingAdd(SaturatingMul(h.descriptor_sectors, kSector), kSector) > e.length) {
    return findings.Fail(Check::kTruncated);
  }
  const DescriptorScan& text = *e.descriptor;  // there is one for every sparse file
  findings.FailIf(!text.ended_by_nul() || !text.ascii() || text.bad_line(), Check::kDescriptor);
  findings.FailIf(!text.create_type_allowed(), Check::kSubformat);
  findings.FailIf(!text.has_extent() || text.extent_with_path(), Check::kExtent);
  findings.FailIf(text.parent_hint() || text.parent_cid(), Check::kBackingFile);
}

}  // namespace

bool IsSparseVmdk(Bytes head) { return head.Has(0, "KDMV"); }

bool VmdkHasFooter(Bytes head) { return Header(head, 0).grain_directory == kGrainDirectoryAtEnd; }

std::uint64_t VmdkDescriptorRegion(Bytes head) {
  return std::min(SaturatingMul(Header(head, 0).descriptor_sectors, kSector), kDescriptorLimit);
}

void JudgeVmdk(const Evidence& e, Findings& findings) {
  if (!IsSparseVmdk(e.head)) return findings.Fail(Check::kSubformat);  // text, or ESX's COWD
  const Header h(e.head, 0);
  std::uint64_t capacity = h.capacity;
  findings.FailIf(h.version < 1 || h.version > 3, Check::kVersion);
  findings.FailIf(!HeaderSane(h), Check::kHeader);
  JudgeDescriptor(e, h, findings);
  if (VmdkHasFooter(e.head)) {
    JudgeFooter(e, h, findings);
    if (e.tail.Has(kSector, "KDMV")) capacity = std::max(capacity, e.tail.Le64(kSector + 12));
  } else {
    findings.FailIf(SaturatingMul(h.overhead, kSector) > e.length, Check::kHeader);
  }
  findings.virtual_size = SaturatingMul(capacity, kSector);
}

}  // namespace kilonova::agent::adapters::images
