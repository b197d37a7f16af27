// SPDX-License-Identifier: Apache-2.0
// What a build takes of its host and lays out there before the domain is defined.
#include <cstdint>

#include "agent/core/build.h"
#include "agent/core/guest_control.h"
#include "agent/core/host_topology.h"
#include "agent/core/instance_files.h"
#include "agent/core/inventory.h"
#include "agent/core/mdev_providers.h"
#include "agent/core/mdevs.h"
#include "agent/core/serial_ports.h"
#include "common/hardware/constraints.h"

namespace kilonova::agent::core {
namespace {

using model::PowerState;
using model::TaskState;
using model::VmState;

constexpr std::uint64_t kGiB = 1024ULL * 1024 * 1024;

std::uint64_t Bytes(std::int64_t gib) { return static_cast<std::uint64_t>(gib) * kGiB; }

}  // namespace

Status Build::HostClaim() {
  RETURN_IF_ERROR(Hypervised([&] { return TakeShare(); }));
  return op_.Progress(TaskState::kNetworking, VmState::kBuilding, PowerState::kNoState,
                      Record(VmState::kBuilding, PowerState::kNoState));
}

Status Build::TakeShare() {
  const AgentSettings& settings = services_.settings;
  ASSIGN_OR_RETURN(const HostFacts facts, services_.facts.Get());
  const model::Inventories inventories =
      MakeInventories(settings, facts, ReadMachineUsage(settings.paths));
  HostClaims::HardwareRequest wanted;
  ASSIGN_OR_RETURN(wanted.numa, services_.ports.guests.NumaWanted(request_));
  ASSIGN_OR_RETURN(wanted.host, HostTopology(settings, facts));
  wanted.limits = {settings.cpu_allocation_ratio, settings.ram_allocation_ratio, std::nullopt};
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(request_.image.properties));
  ASSIGN_OR_RETURN(
      const bool encrypted,
      hardware::MemEncryptionConstraint(
          {.flavor = request_.flavor, .image = image, .image_has_id = !request_.image.id.empty()}));
  resources_ = ResourcesWanted(request_.flavor, wanted.numa, encrypted, inventories);
  if (settings.shared_disk) resources_.erase(std::string(model::kDiskGb));
  ASSIGN_OR_RETURN(wanted.pci, PciRequestsOf(request_));
  wanted.pci_devices = facts.pci_devices;
  ASSIGN_OR_RETURN(HostShare share,
                   services_.claims.Claim(op_.instance(), resources_, inventories, wanted));
  placement_.numa = std::move(share.numa);
  placement_.pci_devices = std::move(share.pci_devices);
  placement_.host_numa = std::move(wanted.host);
  ASSIGN_OR_RETURN(devices_, services_.ports.guests.Devices(request_));
  ASSIGN_OR_RETURN(placement_.serial_ports,
                   TakeSerialPorts(settings.serial_console, services_.claims, op_.instance(),
                                   devices_.serial_ports));
  const auto mdevs = MdevsWanted(request_, settings.mdev_types, facts.hostname);
  ASSIGN_OR_RETURN(placement_.mdevs, ClaimMdevs(op_, mdevs));
  return OkStatus();
}

Status Build::FetchImages() {
  const Paths& paths = services_.settings.paths;
  ImageStore& images = services_.ports.images;
  const std::uint64_t limit = services_.settings.image_size_limit_gb * kGiB;
  const std::uint64_t most = request_.flavor.root_gb > 0 ? Bytes(request_.flavor.root_gb) : limit;
  ASSIGN_OR_RETURN(placement_.root, images.Ensure(request_.image, most, op_.token()));
  const auto place = [&](const std::optional<model::ImageSource>& source,
                         const std::filesystem::path& target) -> Status {
    if (!source) return OkStatus();
    ASSIGN_OR_RETURN(const CachedImage image, images.Ensure(*source, limit, op_.token()));
    return images.PlaceFile(image, target);
  };
  RETURN_IF_ERROR(place(request_.kernel, paths.Kernel(op_.instance())));
  return place(request_.ramdisk, paths.Ramdisk(op_.instance()));
}

Status Build::MakeDisk() {
  return services_.ports.images.CreateOverlay(placement_.root,
                                              services_.settings.paths.Disk(op_.instance()),
                                              Bytes(request_.flavor.root_gb));
}

Status Build::MakeBlankDisks() {
  ASSIGN_OR_RETURN(blank_disks_, services_.ports.guests.BlankDisks(request_));
  const std::filesystem::path dir = services_.settings.paths.Instance(op_.instance());
  for (const BlankDisk& disk : blank_disks_) {
    RETURN_IF_ERROR(services_.ports.images.CreateBlank(disk, dir / disk.name));
  }
  return OkStatus();
}

Status Build::MakeConfigDrive() {
  ASSIGN_OR_RETURN(const auto files, services_.ports.guests.ConfigDrive(request_));
  const Paths& paths = services_.settings.paths;
  if (files) {
    RETURN_IF_ERROR(services_.ports.config_drives.Write(*files, paths.ConfigDrive(op_.instance())));
  }
  const std::string format = services_.ports.images.DiskFormat();
  std::vector<DiskFormatNote> notes = {{paths.Disk(op_.instance()), format}};
  for (const BlankDisk& disk : blank_disks_) {
    notes.push_back({paths.Instance(op_.instance()) / disk.name, format});
  }
  notes.push_back({paths.ConfigDrive(op_.instance()), "raw"});
  return WriteDiskInfo(paths, op_.instance(), notes);
}

Status Build::CheckNetworks() {
  for (const model::NicRequest& nic : request_.nics) {
    RETURN_IF_ERROR(Hypervised([&] { return services_.ports.networks.Check(nic); }));
  }
  return OkStatus();
}

}  // namespace kilonova::agent::core
