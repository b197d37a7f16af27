// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/inspector/evidence.h"

namespace kilonova::agent::adapters::images {
namespace {

constexpr std::uint64_t kSmallest = 512;
constexpr std::uint64_t kDataFileBit = 1U << 2;
constexpr std::uint64_t kCompressionBit = 1U << 3;
constexpr std::uint64_t kKnownBits = 0xF;
constexpr std::uint32_t kDataFileExtension = 0x44415441;
constexpr std::uint32_t kEncryptionExtension = 0x0537be77;
constexpr std::uint64_t kExtensionLimit = std::uint64_t{64} * 1024;
constexpr std::uint32_t kLuksCrypt = 2;

struct Header {
  explicit Header(Bytes b)
      : version(b.Be32(4)),
        backing_offset(b.Be64(8)),
        cluster_bits(b.Be32(20)),
        size(b.Be64(24)),
        crypt(b.Be32(32)),
        l1_entries(b.Be32(36)),
        l1_offset(b.Be64(40)),
        refcount_offset(b.Be64(48)),
        refcount_clusters(b.Be32(56)),
        snapshots(b.Be32(60)),
        snapshots_offset(b.Be64(64)),
        features(b.Be64(72)),
        refcount_order(b.Be32(96)),
        length(b.Be32(100)),
        compression(b.U8(104)) {}

  std::uint32_t version;
  std::uint64_t backing_offset;
  std::uint32_t cluster_bits;
  std::uint64_t size;
  std::uint32_t crypt;
  std::uint32_t l1_entries;
  std::uint64_t l1_offset;
  std::uint64_t refcount_offset;
  std::uint32_t refcount_clusters;
  std::uint32_t snapshots;
  std::uint64_t snapshots_offset;
  std::uint64_t features;
  std::uint32_t refcount_order;
  std::uint32_t length;
  std::uint8_t compression;
};

bool TableFits(std::uint64_t offset, std::uint64_t bytes, std::uint64_t cluster) {
  return offset % cluster == 0 && SaturatingAdd(offset, bytes) <= kMaxOffset;
}

bool Version3Sane(const Header& h, std::uint64_t cluster) {
  if (h.length < 104 || h.length > cluster || h.length % 8 != 0) return false;
  if (h.refcount_order > 6) return false;
  const std::uint8_t compression = h.length > 104 ? h.compression : std::uint8_t{0};
  const bool announced = (h.features & kCompressionBit) != 0;
  return compression <= 1 && (compression == 1) == announced;
}

bool HeaderSane(const Header& h) {
  if (h.cluster_bits < 9 || h.cluster_bits > 21) return false;
  const std::uint64_t cluster = std::uint64_t{1} << h.cluster_bits;
  if (h.version == 3 && !Version3Sane(h, cluster)) return false;
  if (h.crypt > kLuksCrypt || h.size > kMaxOffset) return false;
  const std::uint64_t covered_by_one = cluster * (cluster / 8);
  if (h.l1_entries < DivideUp(h.size, covered_by_one)) return false;
  const std::uint64_t l1_bytes = std::uint64_t{h.l1_entries} * 8;
  const std::uint64_t refcount_bytes = h.refcount_clusters * cluster;
  if (l1_bytes > (32U << 20) || !TableFits(h.l1_offset, l1_bytes, cluster)) return false;
  if (h.refcount_clusters == 0 || refcount_bytes > (8U << 20)) return false;
  if (!TableFits(h.refcount_offset, refcount_bytes, cluster)) return false;
  return h.snapshots <= 65536 &&
         TableFits(h.snapshots_offset, std::uint64_t{h.snapshots} * 40, cluster);
}

void WalkExtensions(const Header& h, Bytes head, Findings& findings) {
  std::uint64_t end = std::uint64_t{1} << h.cluster_bits;
  if (h.backing_offset != 0 && h.backing_offset < end) end = h.backing_offset;
  std::uint64_t at = h.version == 3 ? h.length : 72;
  bool encryption_seen = false;
  while (at < end) {
    if (at + 8 > end || at + 8 > kExtensionLimit) return findings.Fail(Check::kHeaderExtensions);
    const std::uint32_t type = head.Be32(at);
    const std::uint64_t length = head.Be32(at + 4);
    at += 8;
    if (length > end - at || at + length > kExtensionLimit) {
      return findings.Fail(Check::kHeaderExtensions);
    }
    if (type == 0) break;
    if (type == kDataFileExtension) findings.Fail(Check::kDataFile);
    if (type == kEncryptionExtension) {
      encryption_seen = true;
      if (h.crypt != kLuksCrypt || length != 16) return findings.Fail(Check::kHeaderExtensions);
    }
    at += DivideUp(length, 8) * 8;
  }
  findings.FailIf(h.crypt == kLuksCrypt && !encryption_seen, Check::kHeaderExtensions);
}

}  // namespace

void JudgeQcow2(const Evidence& e, Findings& findings) {
  const Header h(e.head);
  findings.virtual_size = h.size;
  findings.FailIf(e.length < kSmallest, Check::kTruncated);
  findings.FailIf(h.version != 2 && h.version != 3, Check::kVersion);
  findings.FailIf(h.backing_offset != 0, Check::kBackingFile);
  // Read in version 2 as well, where the bytes mean nothing: some readers do.
  findings.FailIf((h.features & kDataFileBit) != 0, Check::kDataFile);
  findings.FailIf((h.features & ~kKnownBits) != 0, Check::kUnknownFeatures);
  if (h.version != 2 && h.version != 3) return;  // nothing else has a known place
  if (HeaderSane(h)) {
    WalkExtensions(h, e.head, findings);
  } else {
    findings.Fail(Check::kHeader);
  }
}

}  // namespace kilonova::agent::adapters::images
