// SPDX-License-Identifier: Apache-2.0
// Fuzz input -> file and partition, and what must hold: the verdict does not depend on how the
// bytes were cut, and a safe verdict names one format and a size.
//
// Input: one byte picks the claim, one the placement, one counts n, n bytes are chunk sizes, the
// rest is the file. Placement moves the second half of the rest to where some format looks (sector
// 1, ISO descriptor, VHDX tables), so that small inputs reach far offsets.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/adapters/images/inspector/inspector.h"

namespace kilonova::agent::adapters::images {

inline std::string VerdictText(const Verdict& verdict) {
  std::string text = verdict.detected_format + "|";
  for (const std::string& match : verdict.matches) text += match + ",";
  for (const Check check : verdict.failed_checks)
    text += std::string("|") + std::string(CheckName(check));
  return text + "|" + (verdict.virtual_size ? std::to_string(*verdict.virtual_size) : "-");
}

inline std::string PlacedFile(std::uint8_t placement, std::string_view rest) {
  // Zero for the rest: far offsets make slow runs.
  static constexpr std::array<std::size_t, 24> kOffsets = {0,          512,        32768,
                                                           192 * 1024, 256 * 1024, 1 << 20};
  const std::size_t offset = kOffsets[placement % kOffsets.size()];
  if (offset == 0) return std::string(rest);
  const std::size_t half = rest.size() / 2;
  std::string file(rest.substr(0, std::min(half, offset)));
  file.resize(offset, '\0');
  file += rest.substr(half);
  if (placement >= 128) file.resize(file.size() + 70000, '\0');
  return file;
}

// "" when the property holds.
inline std::string BrokenPartitionProperty(std::string_view input) {
  static constexpr std::array<std::string_view, 14> kClaims = {
      "raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso",
      "gpt", "luks",  "qed",  "ami", "aki",  "ari", "bogus"};
  if (input.size() < 3) return "";
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(input[i]); };
  const std::string_view claim = kClaims[byte(0) % kClaims.size()];
  const std::size_t count = std::min<std::size_t>(byte(2) % 64, input.size() - 3);
  const std::string_view sizes = input.substr(3, count);
  const std::string file = PlacedFile(byte(1), input.substr(3 + count));

  ImageInspector whole;
  whole.Feed(file);
  const std::uint64_t least = whole.LeastVirtualSize();
  const Verdict expected = whole.Finish(claim);

  ImageInspector pieces;
  const std::string_view all = file;
  std::size_t turn = 0;
  for (std::size_t at = 0; at < all.size(); ++turn) {
    std::size_t size = sizes.empty() ? 1 : static_cast<std::uint8_t>(sizes[turn % sizes.size()]);
    if (size > 200) size = (size - 200) * 997;  // some large ones
    if (size == 0) size = 1;
    size *= 1 + at / 1024;  // fine where headers lie, quick over the rest
    pieces.Feed(all.substr(at, size));
    at += size;
  }
  const Verdict actual = pieces.Finish(claim);
  if (VerdictText(expected) != VerdictText(actual)) {
    return "whole " + VerdictText(expected) + ", in pieces " + VerdictText(actual);
  }
  if (expected.safe() && (!expected.virtual_size || expected.detected_format.empty())) {
    return "safe without a format or size";
  }
  if (expected.safe() && least > *expected.virtual_size) return "least size over the final one";
  return "";
}

}  // namespace kilonova::agent::adapters::images
