// SPDX-License-Identifier: Apache-2.0
#include "agent/app/wiring.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/guest/features.h"
#include "agent/guest/metadata.h"
#include "agent/guest/request.h"
#include "proto/oslo/decode.h"
#include "proto/oslo/json.h"

namespace kilonova::agent::app {

Status GuestDescriber::Check(const model::BuildRequest& build) { return guest::CheckServed(build); }

Expected<std::string> GuestDescriber::DomainXml(const model::BuildRequest& build,
                                                const core::CachedImage& root,
                                                const core::HostFacts& facts) {
  guest::GuestConfig config = config_;
  config.virt_type = facts.virt_type;
  config.arch = facts.arch;
  ASSIGN_OR_RETURN(const guest::Domain domain, guest::DescribeRequest(config, facts, build, root));
  return guest::DomainXml(domain);
}

Expected<std::optional<std::vector<core::ConfigDriveFile>>> GuestDescriber::ConfigDrive(
    const model::BuildRequest& build) {
  std::optional<std::vector<core::ConfigDriveFile>> files;
  if (!guest::WantsConfigDrive(config_, build)) return files;
  ASSIGN_OR_RETURN(files, guest::ConfigDriveFiles(config_, build, guest::NewRandomSeed()));
  return files;
}

Expected<model::ComputeRequest> RequestDecoder::Decode(const std::string& inner) {
  ASSIGN_OR_RETURN(oslo::ReceivedRequest received, oslo::DecodeInner(inner));
  return std::move(received.request);
}

Expected<std::string> RequestDecoder::WithoutSecrets(const std::string& inner) {
  ASSIGN_OR_RETURN(oslo::Json message, oslo::ParseJson(inner));
  oslo::Json* args = message.Find("args");
  if (args == nullptr) return inner;
  if (args->Find("admin_password") != nullptr) args->Set("admin_password", nullptr);
  if (args->Find("injected_files") != nullptr) args->Set("injected_files", oslo::Json::MakeArray());
  return oslo::DumpJson(message);
}

std::string DetectDiskCache(const std::filesystem::path& dir) {
  const std::string probe = (dir / ".direct_io_probe").string();
  const int fd = open(probe.c_str(), O_CREAT | O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) close(fd);
  unlink(probe.c_str());
  return fd >= 0 ? "none" : "writeback";
}

}  // namespace kilonova::agent::app
