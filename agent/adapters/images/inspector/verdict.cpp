// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/inspector/verdict.h"

#include <algorithm>
#include <array>

namespace kilonova::agent::adapters::images {
namespace {

struct CheckText {
  std::string_view name;
  std::string_view meaning;
};

constexpr std::array<CheckText, kCheckCount> kTexts{{
    {"unsupported_claim", "the claimed format is not one that is known here"},
    {"multiple_formats", "the file carries the signatures of more than one format"},
    {"format_mismatch", "the content is not of the claimed format"},
    {"banned", "the format is never accepted"},
    {"truncated", "the file ends before its own headers do"},
    {"version", "the format version is not one that every reader understands alike"},
    {"backing_file", "the image refers to a backing or parent file"},
    {"data_file", "the image refers to an external data file"},
    {"unknown_features", "the image needs features that are not supported"},
    {"header", "a header field is outside what the format allows"},
    {"header_extensions", "the header extensions are malformed"},
    {"subformat", "only single-file sparse subformats are accepted"},
    {"descriptor", "the descriptor is malformed"},
    {"extent", "the descriptor names no extent, or one by a path"},
    {"footer", "the footer differs from the header"},
    {"mbr", "the partition table is malformed"},
    {"region_table", "the region table is malformed"},
    {"metadata", "the metadata is malformed"},
}};

}  // namespace

std::string_view CheckName(Check check) { return kTexts[static_cast<unsigned>(check)].name; }
std::string_view CheckMeaning(Check check) { return kTexts[static_cast<unsigned>(check)].meaning; }

bool Verdict::Failed(Check check) const {
  return std::find(failed_checks.begin(), failed_checks.end(), check) != failed_checks.end();
}

}  // namespace kilonova::agent::adapters::images
