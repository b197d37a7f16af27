// SPDX-License-Identifier: Apache-2.0
// What an inspection says of a disk image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kilonova::agent::adapters::images {

// Formats are named as in OpenStack's `disk_format` where it has a name. "gpt" is any partition
// table, MBR or GPT: such a file is served as raw.
namespace format {
inline constexpr std::string_view kRaw = "raw";
inline constexpr std::string_view kQcow2 = "qcow2";
inline constexpr std::string_view kVmdk = "vmdk";
inline constexpr std::string_view kVhd = "vhd";
inline constexpr std::string_view kVhdx = "vhdx";
inline constexpr std::string_view kVdi = "vdi";
inline constexpr std::string_view kLuks = "luks";
inline constexpr std::string_view kGpt = "gpt";
inline constexpr std::string_view kIso = "iso";
inline constexpr std::string_view kQed = "qed";
inline constexpr std::string_view kBochs = "bochs";
inline constexpr std::string_view kParallels = "parallels";
inline constexpr std::string_view kCloop = "cloop";
}  // namespace format

// The rules an image can break, in the order they are reported. Names are stable: they reach the
// user as the detail "check" of IMAGE_UNSAFE.
enum class Check : unsigned {
  kUnsupportedClaim,
  kMultipleFormats,
  kFormatMismatch,
  kBanned,
  kTruncated,
  kVersion,
  kBackingFile,
  kDataFile,
  kUnknownFeatures,
  kHeader,
  kHeaderExtensions,
  kSubformat,
  kDescriptor,
  kExtent,
  kFooter,
  kMbr,
  kRegionTable,
  kMetadata,
};
inline constexpr unsigned kCheckCount = 18;

// "backing_file", "data_file"...
std::string_view CheckName(Check check);
// One sentence for the image's owner.
std::string_view CheckMeaning(Check check);

struct Verdict {
  std::string detected_format;       // "" when signatures conflict
  std::vector<std::string> matches;  // every signature found, sorted; empty is raw
  std::vector<Check> failed_checks;  // in the order of Check, each once
  // The largest size in bytes any reader could take; nothing when the headers do not say.
  std::optional<std::uint64_t> virtual_size;

  bool safe() const { return failed_checks.empty(); }
  bool Failed(Check check) const;
};

}  // namespace kilonova::agent::adapters::images
