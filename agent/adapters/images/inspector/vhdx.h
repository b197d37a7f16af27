// SPDX-License-Identifier: Apache-2.0
// Where a VHDX keeps its size: region table (192 KiB) -> metadata table -> items. Each step is
// known only when the one before has passed, and each lies wherever the file says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/adapters/images/inspector/bytes.h"
#include "agent/adapters/images/inspector/collect.h"

namespace kilonova::agent::adapters::images {

struct VhdxItem {
  std::uint64_t offset = 0;  // in the file
  std::uint32_t length = 0;
  Window window;
};

struct VhdxTrail {
  // What to do next; the caller stops its feed at `stop` and calls Advance there.
  std::uint64_t stop = std::uint64_t{256} * 1024;
  void Advance(std::string_view head);
  void Feed(std::uint64_t position, std::string_view bytes);

  bool region_table_sane = false;
  std::uint64_t metadata_offset = 0;
  Window metadata;  // the table, 64 KiB
  bool metadata_sane = false;
  std::optional<VhdxItem> size;
  std::optional<VhdxItem> parameters;

 private:
  enum class Step { kRegions, kMetadata, kItems };
  void ReadRegions(std::string_view head);
  void ReadMetadata(std::string_view head);
  Step step_ = Step::kRegions;
};

}  // namespace kilonova::agent::adapters::images
