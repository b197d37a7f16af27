// SPDX-License-Identifier: Apache-2.0
// The text descriptor inside a sparse VMDK, read as it passes: up to 1 MiB of text, of which only a
// few hundred bytes are kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/adapters/images/inspector/collect.h"

namespace kilonova::agent::adapters::images {

// One line, classified without keeping it.
class DescriptorLine {
 public:
  enum class Kind { kBlank, kComment, kDatabase, kSetting, kExtent, kUnknown };

  void Feed(char c);
  Kind kind() const;
  bool has_slash() const { return has_slash_; }
  // True for "parentCID=" with any value but ffffffff.
  bool names_parent() const;

 private:
  std::string start_;          // the first bytes after leading space, lower case
  std::uint64_t length_ = 0;   // after leading space
  std::uint64_t trimmed_ = 0;  // the same without trailing space
  bool space_before_equals_ = false;
  bool equals_ = false;
  bool has_slash_ = false;
};

class DescriptorScan {
 public:
  // `region`: the bytes the header declares for the descriptor, already bounded.
  explicit DescriptorScan(std::uint64_t region);

  // Bytes from the descriptor's start on.
  void Feed(std::string_view bytes);
  bool done() const { return done_; }
  void Finish();  // the file ended

  bool ended_by_nul() const { return ended_by_nul_; }
  bool ascii() const { return ascii_; }
  bool bad_line() const { return bad_line_; }
  bool has_extent() const { return has_extent_; }
  bool extent_with_path() const { return extent_with_path_; }
  bool parent_hint() const { return parent_hint_; }
  bool parent_cid() const { return parent_cid_; }
  // createType="x" stands there exactly once and x is a sparse single-file type.
  bool create_type_allowed() const;

 private:
  void FeedText(char c);
  void EndLine();

  std::uint64_t region_;
  std::uint64_t hint_region_;
  std::uint64_t seen_ = 0;
  TextFinder create_type_finder_;
  TextFinder hint_finder_;
  DescriptorLine line_;
  std::uint64_t create_types_ = 0;
  std::string after_create_type_;  // what follows the first one
  bool text_done_ = false;
  bool done_ = false;
  bool ended_by_nul_ = false;
  bool ascii_ = true;
  bool bad_line_ = false;
  bool has_extent_ = false;
  bool extent_with_path_ = false;
  bool parent_hint_ = false;
  bool parent_cid_ = false;
};

}  // namespace kilonova::agent::adapters::images
