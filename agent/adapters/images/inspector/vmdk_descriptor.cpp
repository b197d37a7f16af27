// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/inspector/vmdk_descriptor.h"

#include <algorithm>

namespace kilonova::agent::adapters::images {
namespace {
constexpr std::string_view kCreateType = "createtype";
constexpr std::string_view kParentHint = "parentfilenamehint";
constexpr std::string_view kParentCid = "parentcid=";
constexpr std::size_t kLineKept = 64;
constexpr std::size_t kTypeLimit = 64;
constexpr std::uint64_t kHintBytes = std::uint64_t{20} * 512;  // what QEMU reads to find a parent
}  // namespace

void DescriptorLine::Feed(char c) {
  if (length_ == 0 && IsSpace(c)) return;
  ++length_;
  if (!IsSpace(c)) trimmed_ = length_;
  if (start_.size() < kLineKept) start_ += LowerAscii(c);
  if (c == '=') equals_ = true;
  if (IsSpace(c) && !equals_) space_before_equals_ = true;
  if (c == '/') has_slash_ = true;
}

DescriptorLine::Kind DescriptorLine::kind() const {
  if (trimmed_ == 0) return Kind::kBlank;
  if (start_.starts_with('#')) return Kind::kComment;
  if (start_.starts_with("ddb")) return Kind::kDatabase;
  for (const std::string_view access : {"rw ", "rdonly ", "noaccess "}) {
    if (start_.starts_with(access) && trimmed_ > access.size()) return Kind::kExtent;
  }
  return equals_ && !space_before_equals_ && !start_.starts_with('=') ? Kind::kSetting
                                                                      : Kind::kUnknown;
}

bool DescriptorLine::names_parent() const {
  if (!start_.starts_with(kParentCid)) return false;
  if (trimmed_ > start_.size()) return true;
  std::string_view value = std::string_view(start_).substr(0, trimmed_);
  value.remove_prefix(kParentCid.size());
  return value != "ffffffff";
}

DescriptorScan::DescriptorScan(std::uint64_t region)
    : region_(region),
      hint_region_(std::max(region, kHintBytes)),
      create_type_finder_(kCreateType),
      hint_finder_(kParentHint) {
  if (region_ == 0) text_done_ = true;
}

void DescriptorScan::Feed(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size() && !done_; ++i) {
    const char c = bytes[i];
    if (c == '\0') {
      ended_by_nul_ = !text_done_;
      Finish();
      return;
    }
    if (hint_finder_.Feed(c)) parent_hint_ = true;
    if (!text_done_) FeedText(c);
    ++seen_;
    if (seen_ == region_) {
      EndLine();
      text_done_ = true;
    }
    if (seen_ == hint_region_) done_ = true;
  }
}

void DescriptorScan::FeedText(char c) {
  if (static_cast<unsigned char>(c) > 127) ascii_ = false;
  if (create_types_ == 1 && after_create_type_.size() < kTypeLimit + 3) after_create_type_ += c;
  if (create_type_finder_.Feed(c)) ++create_types_;
  if (c == '\n') {
    EndLine();
  } else {
    line_.Feed(c);
  }
}

void DescriptorScan::EndLine() {
  const DescriptorLine::Kind kind = line_.kind();
  if (kind == DescriptorLine::Kind::kUnknown) bad_line_ = true;
  if (kind == DescriptorLine::Kind::kExtent) {
    has_extent_ = true;
    if (line_.has_slash()) extent_with_path_ = true;
  }
  if (line_.names_parent()) parent_cid_ = true;
  line_ = DescriptorLine();
}

void DescriptorScan::Finish() {
  if (!text_done_) EndLine();
  text_done_ = true;
  done_ = true;
}

bool DescriptorScan::create_type_allowed() const {
  if (create_types_ != 1 || !after_create_type_.starts_with("=\"")) return false;
  const std::size_t end = after_create_type_.find('"', 2);
  if (end == std::string::npos || end - 2 >= kTypeLimit) return false;
  std::string value = after_create_type_.substr(2, end - 2);
  std::transform(value.begin(), value.end(), value.begin(), LowerAscii);
  return value == "monolithicsparse" || value == "streamoptimized";
}

}  // namespace kilonova::agent::adapters::images
