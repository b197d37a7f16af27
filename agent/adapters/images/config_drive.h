// SPDX-License-Identifier: Apache-2.0
// core::ConfigDriveWriter by xorriso: ISO 9660 with Rock Ridge and Joliet, volume "config-2".
#pragma once

#include <filesystem>
#include <vector>

#include "agent/adapters/images/options.h"
#include "agent/core/image_store.h"

namespace kilonova::agent::adapters::images {

class XorrisoConfigDrive final : public core::ConfigDriveWriter {
 public:
  explicit XorrisoConfigDrive(ToolOptions tools) : tools_(std::move(tools)) {}

  // The contents lie in a directory beside `target` meanwhile, mode 0700, removed whatever happens.
  Status Write(const std::vector<core::ConfigDriveFile>& files,
               const std::filesystem::path& target) override;

 private:
  ToolOptions tools_;
};

}  // namespace kilonova::agent::adapters::images
