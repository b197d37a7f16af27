// SPDX-License-Identifier: Apache-2.0
// The two JSON texts this adapter reads: what `qemu-img info` prints and the record beside a cached
// image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

struct QemuImgInfo {
  std::string format;
  std::uint64_t virtual_size = 0;
  bool refers_elsewhere = false;  // a backing file, a data file or extents of other names
};

// Nothing when the text is not what qemu-img prints.
std::optional<QemuImgInfo> ParseQemuImgInfo(std::string_view json);

// images/<sha256>.<format>.info
struct CacheRecord {
  std::string format;
  std::uint64_t virtual_size = 0;
  std::uint64_t file_size = 0;
};

std::string FormatCacheRecord(const CacheRecord& record);
std::optional<CacheRecord> ParseCacheRecord(std::string_view json);

}  // namespace kilonova::agent::adapters::images
