// SPDX-License-Identifier: Apache-2.0
// The directory of one instance: made, described and removed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/core/paths.h"
#include "common/base/status.h"

namespace kilonova::agent::core {

// The agent's own directories with their modes. Idempotent.
Status PrepareStateDir(const Paths& paths);
// instances/<uuid>, mode 0711. HOST_DISK_FULL or INTERNAL.
Status MakeInstanceDir(const Paths& paths, const Uuid& instance);
struct DiskFormatNote {
  std::filesystem::path path;
  std::string format;  // "qcow2" or "raw"
};
// disk.info: {"path": "format"} of those of `disks` that are there, by rename.
Status WriteDiskInfo(const Paths& paths, const Uuid& instance,
                     const std::vector<DiskFormatNote>& disks);
// Removes it with all it holds; OK when it is gone. Follows no link.
Status RemoveInstanceDir(const Paths& paths, const Uuid& instance);

// `text` as a JSON string, quotes included.
std::string JsonQuote(std::string_view text);

}  // namespace kilonova::agent::core
