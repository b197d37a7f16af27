// SPDX-License-Identifier: Apache-2.0
// What a template names, looked up: flavor, images, networks, zone, destination.
#include <utility>

#include "common/hardware/errors.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

// What a flavor must have for an image, before any host is asked.
Status CheckFit(const model::Flavor& flavor, const model::ImageSource& image) {
  if (flavor.disabled) {
    return Error(Code::kNotFound, reason::kFlavorNotFound,
                 "flavor " + flavor.name + " is disabled");
  }
  if (flavor.memory_mb < image.min_ram_mb) {
    return Error(Code::kInvalidArgument, reason::kFlavorMemoryTooSmall,
                 "the image needs " + std::to_string(image.min_ram_mb) + " MiB of memory, flavor " +
                     flavor.name + " has " + std::to_string(flavor.memory_mb),
                 {{"field", "flavor"}, {hardware::kNovaException, "FlavorMemoryTooSmall"}});
  }
  if (flavor.root_gb == 0) return OkStatus();  // as large as the image
  const auto too_small = [](const std::string& message, const char* nova_exception) {
    return Error(Code::kInvalidArgument, reason::kFlavorDiskTooSmall, message,
                 {{"field", "flavor"}, {hardware::kNovaException, nova_exception}});
  };
  // The file alone; the disk within may be larger, which the host finds out.
  constexpr std::uint64_t kGiB = 1ULL << 30;
  if (image.size_bytes > static_cast<std::uint64_t>(flavor.root_gb) * kGiB) {
    return too_small("the image is larger than the disk of flavor " + flavor.name,
                     "FlavorDiskSmallerThanImage");
  }
  if (flavor.root_gb < image.min_disk_gb) {
    return too_small("the image needs a disk of " + std::to_string(image.min_disk_gb) +
                         " GiB, flavor " + flavor.name + " has " + std::to_string(flavor.root_gb),
                     "FlavorDiskSmallerThanMinDisk");
  }
  return OkStatus();
}

}  // namespace

Expected<std::shared_ptr<const model::ImageSource>> Conductor::Impl::KernelOf(
    const model::ImageSource& image, const char* property) {
  const auto named = image.properties.find(property);
  if (named == image.properties.end() || named->second.empty()) return nullptr;
  const auto kernel = image.properties.find("kernel_id");
  if (kernel != image.properties.end() && kernel->second == "nokernel") return nullptr;
  const auto uuid = Uuid::Parse(named->second);
  const auto found = uuid.ok() ? images_.find(*uuid) : images_.end();
  const std::string_view format = std::string_view(property) == "kernel_id" ? "aki" : "ari";
  if (found == images_.end()) {
    return Error(Code::kFailedPrecondition, reason::kImageNotFound,
                 "the image's " + std::string(property) + " names no registered image");
  }
  if (found->second.source.disk_format != format) {
    return Error(
        Code::kFailedPrecondition, reason::kImageInvalid,
        "the image's " + std::string(property) + " is not of disk_format " + std::string(format));
  }
  return std::make_shared<const model::ImageSource>(found->second.source);
}

Status Conductor::Impl::ResolveImage(const std::string& name, Resolved& resolved) {
  ASSIGN_OR_RETURN(const ImageRecord* image, FindImage(name));
  if (image->source.disk_format == "aki" || image->source.disk_format == "ari") {
    return Error(Code::kInvalidArgument, reason::kImageInvalid,
                 "a kernel or ramdisk image cannot be booted by itself", {{"field", "image"}});
  }
  if (const auto key = image->source.properties.find("cinder_encryption_key_id");
      key != image->source.properties.end() && !key->second.empty()) {
    return Error(Code::kInvalidArgument, reason::kImageInvalid,
                 "the image is of an encrypted volume, which cannot be started from directly",
                 {{"field", "image"}, {hardware::kNovaException, "ImageUnacceptable"}});
  }
  resolved.image = std::make_shared<const model::ImageSource>(image->source);
  ASSIGN_OR_RETURN(resolved.kernel, KernelOf(image->source, "kernel_id"));
  ASSIGN_OR_RETURN(resolved.ramdisk, KernelOf(image->source, "ramdisk_id"));
  if (resolved.ramdisk && !resolved.kernel) {
    return Error(Code::kFailedPrecondition, reason::kImageInvalid,
                 "the image names a ramdisk and no kernel");
  }
  return CheckFit(*resolved.flavor, image->source);
}

Expected<std::optional<RequestedDestination>> Conductor::Impl::DestinationOf(
    const InstanceTemplate& t) {
  std::optional<RequestedDestination> none;
  if (t.requested_host.empty() && t.requested_node.empty()) return none;
  const bool by_host = !t.requested_host.empty();
  for (const auto& [name, host] : hosts_) {
    const std::string& node = host.row.report.hypervisor_hostname;
    if (by_host && name != t.requested_host) continue;
    if (!t.requested_node.empty() && node != t.requested_node) continue;
    return std::optional(RequestedDestination{name, node, {}, false});
  }
  return Error(Code::kInvalidArgument, reason::kHostNotFound, "no such host or node",
               {{"field", by_host ? "host" : "hypervisor_hostname"}});
}

// The host that "zone:host:node" names; "" = none.
Expected<std::string> Conductor::Impl::ForcedHost(const ZoneRequest& zone) {
  const auto none = [](const std::string& what) {
    return Error(Code::kInvalidArgument, reason::kHostNotFound, "no " + what,
                 {{"field", "availability_zone"}});
  };
  if (zone.host.empty() && zone.node.empty()) return std::string();
  if (zone.host.empty()) {
    for (const auto& [name, host] : hosts_) {
      if (host.row.report.hypervisor_hostname == zone.node) return name;
    }
    return none("node " + zone.node);
  }
  const auto found = hosts_.find(zone.host);
  if (found == hosts_.end()) return none("host " + zone.host);
  if (!zone.node.empty() && found->second.row.report.hypervisor_hostname != zone.node) {
    return none("node " + zone.node + " on host " + zone.host);
  }
  return zone.host;
}

Expected<Conductor::Impl::Resolved> Conductor::Impl::Resolve(const InstanceTemplate& t) {
  Resolved resolved;
  const model::Flavor* flavor = FindFlavor(t.flavor);
  if (flavor == nullptr) {
    return Error(Code::kNotFound, reason::kFlavorNotFound, "no flavor " + t.flavor);
  }
  resolved.flavor = flavors_.at(flavor->flavorid);
  // Only a question about placement comes without an image.
  if (!t.image.empty()) RETURN_IF_ERROR(ResolveImage(t.image, resolved));
  for (const std::string& name : t.networks) {
    const Network* network = FindNetwork(name);
    if (network == nullptr || network->leaving) {
      return Error(Code::kNotFound, reason::kNetworkNotFound, "no network " + name);
    }
    resolved.networks.push_back(network->record.id);
  }
  ASSIGN_OR_RETURN(ZoneRequest zone, ParseZone(t.availability_zone));
  if (zone.zone.empty()) zone.zone = options_.default_schedule_zone;
  ASSIGN_OR_RETURN(const std::string forced, ForcedHost(zone));
  // Nova passes over a zone that the forced host is not in.
  if (!forced.empty() && ZoneOfHost(hosts_.at(forced)) != zone.zone) zone.zone.clear();
  resolved.zone = zone.zone;
  PlacementRequest& placement = resolved.placement;
  placement.flavor = *resolved.flavor;
  if (resolved.image) {
    placement.image_id = resolved.image->id.str();
    placement.image_properties = resolved.image->properties;
  }
  placement.availability_zone = zone.zone;
  placement.forced_host = forced;
  placement.forced_node = zone.node;
  ASSIGN_OR_RETURN(placement.requested_destination, DestinationOf(t));
  // A forced host skips the filters, and yet nothing new goes where nothing new may go.
  if (!forced.empty() && !HostIsUp(forced)) placement.ignore_hosts.push_back(forced);
  placement.project_id = t.project_id.empty() ? "default" : t.project_id;
  ASSIGN_OR_RETURN(placement.hints, ValidateHints(t.hints));
  RETURN_IF_ERROR(
      AskPlacement(resolved.image ? resolved.image->disk_format : std::string(), placement));
  if (const auto group = placement.hints.find("group");
      group != placement.hints.end() && !group->second.empty()) {
    ASSIGN_OR_RETURN(resolved.group, Uuid::Parse(group->second.front()));
  }
  return resolved;
}

// What Nova's API refuses before anything is placed. Who asks why is told by the filters.
Status Conductor::Impl::CheckZoneAvailable(const Resolved& resolved) {
  const std::string& zone = resolved.zone;
  if (zone.empty() || !resolved.placement.forced_host.empty() || zones_.Available(zone)) {
    return OkStatus();
  }
  return Error(Code::kInvalidArgument, reason::kInvalidArgument,
               "the availability zone " + zone + " is not available: no enabled host is in it",
               {{"field", "availability_zone"}, {"nova_exception", "InvalidRequest"}});
}

Expected<PlacementRequest> Conductor::Impl::PlacementFor(const InstanceTemplate& instance,
                                                         std::int64_t count) {
  RETURN_IF_ERROR(CheckTemplate(instance));
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(Resolved resolved, Resolve(instance));
  for (std::int64_t i = 0; i < count; ++i) resolved.placement.instances.push_back(Uuid::Random());
  RETURN_IF_ERROR(
      FillGroupLocked(resolved.placement, resolved.group, {}, static_cast<std::size_t>(count)));
  return std::move(resolved.placement);
}

}  // namespace kilonova::scheduler::core
