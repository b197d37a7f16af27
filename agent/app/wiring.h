// SPDX-License-Identifier: Apache-2.0
// The two ports of core that pure libraries serve: guest descriptions by agent/guest, reading
// journalled messages by proto/oslo.
#pragma once

#include "agent/core/guest_describer.h"
#include "agent/core/request_decoder.h"
#include "agent/guest/config.h"

namespace kilonova::agent::app {

class GuestDescriber final : public core::GuestDescriber {
 public:
  GuestDescriber(guest::GuestConfig config, std::string default_ephemeral_format)
      : config_(std::move(config)),
        default_ephemeral_format_(std::move(default_ephemeral_format)) {}
  Status Check(const model::BuildRequest& build) override;
  Expected<std::optional<hardware::InstanceNumaTopology>> NumaWanted(
      const model::BuildRequest& build) override;
  Expected<core::DevicesWanted> Devices(const model::BuildRequest& build) override;
  Expected<std::string> DomainXml(const model::BuildRequest& build,
                                  const core::GuestPlacement& placement,
                                  const core::HostFacts& facts) override;
  Expected<std::vector<core::BlankDisk>> BlankDisks(const model::BuildRequest& build) override;
  Expected<std::optional<std::vector<core::ConfigDriveFile>>> ConfigDrive(
      const model::BuildRequest& build) override;

 private:
  const guest::GuestConfig config_;
  const std::string default_ephemeral_format_;
};

class RequestDecoder final : public core::RequestDecoder {
 public:
  Expected<model::ComputeRequest> Decode(const std::string& inner) override;
  Expected<std::string> WithoutSecrets(const std::string& inner) override;
};

// "none" where files of `dir` can be opened with O_DIRECT, "writeback" where they cannot.
std::string DetectDiskCache(const std::filesystem::path& dir);

}  // namespace kilonova::agent::app
