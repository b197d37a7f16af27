// SPDX-License-Identifier: Apache-2.0
// File work that core and the image adapter share.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/status.h"

namespace kilonova::agent::core {

// HOST_DISK_FULL for ENOSPC and EDQUOT, else INTERNAL; path and errno are for the operator.
Status FileError(int error, std::string_view what, const std::filesystem::path& path);
// Makes `path` with `mode` exactly, whatever the umask; its parent must be there. OK when it is a
// directory already: then its mode is put right. Follows no link.
Status MakeDir(const std::filesystem::path& path, unsigned mode);

}  // namespace kilonova::agent::core
