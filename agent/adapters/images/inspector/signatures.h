// SPDX-License-Identifier: Apache-2.0
// By which bytes a format is known. Judged on the bytes present, however few: a cut file keeps its
// format.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/adapters/images/inspector/bytes.h"

namespace kilonova::agent::adapters::images {

inline constexpr std::string_view kQcow2Magic = "QFI\xfb";
inline constexpr std::string_view kVhdMagic = "conectix";
inline constexpr std::string_view kVhdxMagic = "vhdxfile";

// Every format whose signature is in `head` (34816 bytes suffice), sorted. `create_type`: a text's
// `createType="` was found (see CreateTypeScan).
std::vector<std::string> FindSignatures(Bytes head, bool create_type);

// The one format of `matches`; nothing when they conflict. No match is raw. An ISO with a partition
// table is an ISO: hybrid boot images are made so.
std::optional<std::string> ChooseFormat(const std::vector<std::string>& matches);

// The first 64 bytes (or all) are ASCII text.
bool LooksLikeText(Bytes head);

// A format with a header of its own at the file's start, whose file length says nothing of its
// virtual size.
bool StartsContainer(Bytes head);

}  // namespace kilonova::agent::adapters::images
