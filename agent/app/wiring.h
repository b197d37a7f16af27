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
  explicit GuestDescriber(guest::GuestConfig config) : config_(std::move(config)) {}
  Status Check(const model::BuildRequest& build) override;
  Expected<std::string> DomainXml(const model::BuildRequest& build, const core::CachedImage& root,
                                  const core::HostFacts& facts) override;
  Expected<std::optional<std::vector<core::ConfigDriveFile>>> ConfigDrive(
      const model::BuildRequest& build) override;

 private:
  const guest::GuestConfig config_;
};

class RequestDecoder final : public core::RequestDecoder {
 public:
  Expected<model::ComputeRequest> Decode(const std::string& inner) override;
  Expected<std::string> WithoutSecrets(const std::string& inner) override;
};

// "none" where files of `dir` can be opened with O_DIRECT, "writeback" where they cannot.
std::string DetectDiskCache(const std::filesystem::path& dir);

}  // namespace kilonova::agent::app
