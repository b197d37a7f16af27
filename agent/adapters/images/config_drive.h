// SPDX-License-Identifier: Apache-2.0
// core::ConfigDriveWriter, volume "config-2": by xorriso, ISO 9660 with Rock Ridge and Joliet; or
// by mkfs.vfat and mcopy, 64 MiB of vfat as Nova's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/adapters/images/options.h"
#include "agent/core/image_store.h"

namespace kilonova::agent::adapters::images {

class ToolConfigDrive final : public core::ConfigDriveWriter {
 public:
  explicit ToolConfigDrive(ToolOptions tools, std::string format = "iso9660")
      : tools_(std::move(tools)), format_(std::move(format)) {}

  // The contents lie in a directory beside `target` meanwhile, mode 0700, removed whatever happens.
  Status Write(const std::vector<core::ConfigDriveFile>& files,
               const std::filesystem::path& target) override;

 private:
  ToolOptions tools_;
  std::string format_;
};

}  // namespace kilonova::agent::adapters::images
