// SPDX-License-Identifier: Apache-2.0
#include "agent/app/wiring.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/guest/devices_wanted.h"
#include "agent/guest/features.h"
#include "agent/guest/metadata.h"
#include "agent/guest/request.h"
#include "common/hardware/constraints.h"
#include "proto/oslo/decode.h"
#include "proto/oslo/json.h"

namespace kilonova::agent::app {

Status GuestDescriber::Check(const model::BuildRequest& build) {
  RETURN_IF_ERROR(guest::CheckServed(build));
  return Devices(build).status();
}

Expected<core::DevicesWanted> GuestDescriber::Devices(const model::BuildRequest& build) {
  return guest::DevicesWantedOf(config_, build);
}

Expected<std::string> GuestDescriber::DomainXml(const model::BuildRequest& build,
                                                const core::GuestPlacement& placement,
                                                const core::HostFacts& facts) {
  guest::GuestConfig config = config_;
  config.virt_type = facts.virt_type;
  config.arch = facts.arch;
  RETURN_IF_ERROR(guest::CheckServed(build));
  ASSIGN_OR_RETURN(guest::GuestInput input, guest::InputOf(config, facts, build, placement.root));
  input.numa = placement.numa;
  input.host_numa = placement.host_numa;
  input.serial_ports = placement.serial_ports;
  input.pci_devices = placement.pci_devices;
  for (const hardware::Mdev& mdev : placement.mdevs) input.mdevs.push_back(mdev.uuid.str());
  ASSIGN_OR_RETURN(const guest::DiskPlacement disks, guest::PlaceDisks(config, input));
  ASSIGN_OR_RETURN(const guest::Domain domain,
                   guest::DescribeGuest(config, facts.guests, input, disks));
  return guest::DomainXml(domain);
}

Expected<std::optional<hardware::InstanceNumaTopology>> GuestDescriber::NumaWanted(
    const model::BuildRequest& build) {
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(build.image.properties));
  return hardware::NumaConstraints({.flavor = build.flavor, .image = image});
}

// As Nova names and formats them when the request maps no block devices.
Expected<std::vector<core::BlankDisk>> GuestDescriber::BlankDisks(
    const model::BuildRequest& build) {
  std::vector<core::BlankDisk> disks;
  if (build.flavor.ephemeral_gb > 0) {
    const auto os = build.image.properties.find("os_type");
    std::string filesystem = default_ephemeral_format_;
    if (filesystem.empty()) {
      const std::string type = os == build.image.properties.end() ? "" : os->second;
      filesystem = type == "linux" ? "ext4" : type == "windows" ? "ntfs" : "vfat";
    }
    disks.push_back({"disk.local", static_cast<std::uint64_t>(build.flavor.ephemeral_gb) << 30,
                     filesystem, "ephemeral0"});
  }
  if (build.flavor.swap_mb > 0) {
    disks.push_back(
        {"disk.swap", static_cast<std::uint64_t>(build.flavor.swap_mb) << 20, "swap", ""});
  }
  return disks;
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
