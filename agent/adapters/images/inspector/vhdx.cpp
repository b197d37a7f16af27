// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/inspector/vhdx.h"

#include <limits>

#include "agent/adapters/images/inspector/evidence.h"

namespace kilonova::agent::adapters::images {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kRegionTable = std::uint64_t{192} * 1024;
constexpr std::size_t kTableBytes = std::size_t{64} * 1024;
constexpr std::uint32_t kEntryLimit = 2048;
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kHasParent = 2;

// GUIDs as they lie on disk: the first three groups little endian.
constexpr std::string_view kMetadataRegion =
    "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e"sv;
constexpr std::string_view kVirtualDiskSize =
    "\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8"sv;
constexpr std::string_view kFileParameters =
    "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b"sv;

}  // namespace

void VhdxTrail::Advance(std::string_view head) {
  if (step_ == Step::kRegions) {
    ReadRegions(head);
  } else if (step_ == Step::kMetadata) {
    ReadMetadata(head);
  }
}

void VhdxTrail::Feed(std::uint64_t position, std::string_view bytes) {
  if (step_ == Step::kMetadata) metadata.Feed(position, bytes);
  if (size) size->window.Feed(position, bytes);
  if (parameters) parameters->window.Feed(position, bytes);
}

void VhdxTrail::ReadRegions(std::string_view head) {
  stop = kNever;
  const Bytes bytes(head);
  const std::uint32_t count = bytes.Le32(kRegionTable + 8);
  if (!bytes.Has(kRegionTable, "regi") || count >= kEntryLimit) return;
  for (std::uint32_t i = 0; i < count && !region_table_sane; ++i) {
    const std::uint64_t entry = kRegionTable + 16 + 32 * std::uint64_t{i};
    if (!bytes.Has(entry, kMetadataRegion)) continue;
    region_table_sane = true;
    metadata_offset = bytes.Le64(entry + 16);
  }
  if (!region_table_sane) return;
  metadata = Window(metadata_offset, kTableBytes, head);
  step_ = Step::kMetadata;
  if (metadata.complete()) {
    ReadMetadata(head);
  } else {
    stop = metadata.end();
  }
}

void VhdxTrail::ReadMetadata(std::string_view head) {
  stop = kNever;
  step_ = Step::kItems;
  const Bytes table(metadata.data());
  const std::uint16_t count = table.Le16(10);
  if (!metadata.complete() || !table.Has(0, "metadata") || count >= kEntryLimit) return;
  metadata_sane = true;
  const auto item = [&](std::uint64_t entry) {
    VhdxItem found{SaturatingAdd(metadata_offset, table.Le32(entry + 16)), table.Le32(entry + 20),
                   Window()};
    found.window = Window(found.offset, 8, head);
    // An item may lie inside the table, which has passed.
    found.window.Feed(metadata_offset, metadata.data());
    return found;
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t entry = 32 + 32 * std::uint64_t{i};
    if (!size && table.Has(entry, kVirtualDiskSize)) size = item(entry);
    if (!parameters && table.Has(entry, kFileParameters)) parameters = item(entry);
  }
}

void JudgeVhdx(const Evidence& e, Findings& findings) {
  if (e.length < kHeadBytes || e.vhdx == nullptr) return findings.Fail(Check::kTruncated);
  const VhdxTrail& trail = *e.vhdx;
  if (!trail.region_table_sane) return findings.Fail(Check::kRegionTable);
  if (SaturatingAdd(trail.metadata_offset, kTableBytes) > e.length) {
    return findings.Fail(Check::kTruncated);
  }
  if (!trail.metadata_sane || !trail.size) return findings.Fail(Check::kMetadata);
  findings.FailIf(SaturatingAdd(trail.size->offset, 8) > e.length, Check::kTruncated);
  if (trail.size->length != 8 || !trail.size->window.complete()) {
    findings.Fail(Check::kMetadata);
  } else {
    findings.virtual_size = Bytes(trail.size->window.data()).Le64(0);
  }
  if (!trail.parameters) return;
  const Bytes parameters(trail.parameters->window.data());
  findings.FailIf((parameters.Le32(4) & kHasParent) != 0, Check::kBackingFile);
}

}  // namespace kilonova::agent::adapters::images
