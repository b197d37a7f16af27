// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/inspector/signatures.h"

#include <algorithm>
#include <array>

#include "agent/adapters/images/inspector/collect.h"
#include "agent/adapters/images/inspector/verdict.h"

namespace kilonova::agent::adapters::images {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::uint64_t offset;
  std::string_view bytes;
  std::string_view format;
};

constexpr std::array kSignatures{
    Signature{0, kQcow2Magic, format::kQcow2},
    Signature{0, "QED\0"sv, format::kQed},
    Signature{0, "KDMV"sv, format::kVmdk},
    Signature{0, "COWD"sv, format::kVmdk},
    Signature{0, kVhdMagic, format::kVhd},
    Signature{0, kVhdxMagic, format::kVhdx},
    Signature{0, "LUKS\xba\xbe"sv, format::kLuks},
    Signature{0, "Bochs Virtual HD Image"sv, format::kBochs},
    Signature{0, "WithoutFreeSpace"sv, format::kParallels},
    Signature{0, "WithouFreSpacExt"sv, format::kParallels},
    Signature{0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"sv, format::kCloop},
    Signature{0x40, "\x7f\x10\xda\xbe"sv, format::kVdi},
    Signature{32769, "CD001"sv, format::kIso},
    Signature{32769, "NSR02"sv, format::kIso},
    Signature{32769, "NSR03"sv, format::kIso},
};

bool HasPartitionTable(Bytes head) {
  const bool fat = head.U8(0x10) == 2 && head.U8(0x15) == 0xF8;
  return head.Has(510, "\x55\xaa"sv) && !fat;
}

// The first line that says anything, within the first sector, begins with "version=".
bool BeginsWithVersion(Bytes head) {
  std::string_view sector = head.Slice(0, 512);
  while (!sector.empty()) {
    const std::string_view line = sector.substr(0, sector.find('\n'));
    sector.remove_prefix(std::min(line.size() + 1, sector.size()));
    const bool blank = line.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
    if (blank || line.starts_with('#')) continue;
    constexpr std::string_view kVersion = "version=";
    return line.size() >= kVersion.size() &&
           std::equal(kVersion.begin(), kVersion.end(), line.begin(),
                      [](char want, char have) { return want == LowerAscii(have); });
  }
  return false;
}

}  // namespace

std::vector<std::string> FindSignatures(Bytes head, bool create_type) {
  std::vector<std::string> matches;
  for (const Signature& s : kSignatures) {
    if (head.Has(s.offset, s.bytes)) matches.emplace_back(s.format);
  }
  if (HasPartitionTable(head)) matches.emplace_back(format::kGpt);
  if (create_type || BeginsWithVersion(head)) matches.emplace_back(format::kVmdk);
  std::sort(matches.begin(), matches.end());
  matches.erase(std::unique(matches.begin(), matches.end()), matches.end());
  return matches;
}

std::optional<std::string> ChooseFormat(const std::vector<std::string>& matches) {
  if (matches.empty()) return std::string(format::kRaw);
  if (matches.size() == 1) return matches.front();
  if (matches.size() == 2 && matches[0] == format::kGpt && matches[1] == format::kIso) {
    return std::string(format::kIso);
  }
  return std::nullopt;
}

bool LooksLikeText(Bytes head) {
  const std::string_view start = head.Slice(0, 64);
  return std::all_of(start.begin(), start.end(),
                     [](char c) { return IsSpace(c) || (c >= 32 && c <= 126); });
}

bool StartsContainer(Bytes head) {
  const std::vector<std::string> matches = FindSignatures(head, false);
  return std::any_of(matches.begin(), matches.end(), [](const std::string& name) {
    return name != format::kGpt && name != format::kIso;
  });
}

}  // namespace kilonova::agent::adapters::images
