// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/disk_placement.h"

#include <algorithm>

#include "agent/guest/disk_bus.h"
#include "agent/guest/image_text.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

using Places = std::vector<std::pair<std::string, DiskPlace>>;

void Put(Places& places, const std::string& name, DiskPlace place) {
  const auto at = std::ranges::find(places, name, &Places::value_type::first);
  if (at == places.end()) {
    places.emplace_back(name, std::move(place));
  } else {
    at->second = std::move(place);
  }
}

// Places disks one after the other; what is named in the request keeps its name.
class Placer {
 public:
  Placer(const GuestConfig& config, const GuestInput& input)
      : config_(config), input_(input), devices_(input.block_devices) {}

  Expected<DiskPlacement> Run();

 private:
  Expected<std::string> FreeName(const std::string& bus, bool spare_assigned) const;
  Expected<DiskPlace> Next(const std::string& bus, const std::string& type, bool spare_assigned);
  Expected<DiskPlace> OfDevice(const BlockDevice& device, const std::string& default_bus,
                               bool spare_assigned);
  Expected<DiskPlace> Root();
  Status Normal();
  Status Local();
  Status Swap();
  Status ConfigDrive(const std::string& name);
  Status RescueAsRoot();
  Status RescueAdded(const hardware::ImageProps& image);
  bool NamedInRequest(const std::string& dev) const;
  BlockDevice* RootDevice();

  const GuestConfig& config_;
  const GuestInput& input_;
  BlockDevices devices_;  // completed on the way, as Nova saves them
  std::vector<std::string> assigned_;
  DiskPlacement out_;
};

// What was placed is what the device is from now on; a name it had is kept.
void Complete(BlockDevice& device, const DiskPlace& place) {
  if (device.device_name.empty()) device.device_name = PrependDev(place.dev);
  device.disk_bus = place.bus;
  device.device_type = place.type;
}

Expected<std::string> Placer::FreeName(const std::string& bus, bool spare_assigned) const {
  ASSIGN_OR_RETURN(const std::string prefix, PrefixForBus(config_, bus));
  const std::int64_t most = bus == "ide" ? 4 : config_.disk.max_devices;
  for (std::size_t index = 0;; ++index) {
    if (most >= 0 && std::cmp_greater_equal(index, most)) {
      return Refuse(reason::kInvalidArgument, "TooManyDiskDevices",
                    "a guest has at most " + std::to_string(most) + " disks on bus " + bus,
                    {{"field", "disk_bus"}});
    }
    std::string dev = DeviceName(prefix, index);
    const bool placed = std::ranges::any_of(
        out_.places, [&dev](const auto& entry) { return entry.second.dev == dev; });
    if (placed) continue;
    if (spare_assigned && std::ranges::find(assigned_, dev) != assigned_.end()) continue;
    return dev;
  }
}

Expected<DiskPlace> Placer::Next(const std::string& bus, const std::string& type,
                                 bool spare_assigned) {
  ASSIGN_OR_RETURN(std::string dev, FreeName(bus, spare_assigned));
  return DiskPlace{bus, std::move(dev), type, "", ""};
}

Expected<DiskPlace> Placer::OfDevice(const BlockDevice& device, const std::string& default_bus,
                                     bool spare_assigned) {
  DiskPlace place;
  place.dev = StripDev(device.device_name);
  place.type = IsDiskType(device.device_type) ? device.device_type : "disk";
  place.bus = device.disk_bus.empty() ? default_bus : device.disk_bus;
  if (!IsDiskBus(place.bus)) {
    if (!place.dev.empty()) {
      ASSIGN_OR_RETURN(place.bus, BusForName(place.dev));
    } else {
      ASSIGN_OR_RETURN(place.bus, BusForType(config_, input_.image, place.type));
    }
  }
  if (place.dev.empty()) {
    ASSIGN_OR_RETURN(place.dev, FreeName(place.bus, spare_assigned));
  }
  place.format = device.guest_format;
  if (device.boot_index && *device.boot_index >= 0) {
    place.boot_index = std::to_string(*device.boot_index + 1);
  }
  return place;
}

BlockDevice* Placer::RootDevice() {
  if (devices_.image) return &*devices_.image;
  const auto at = std::ranges::find_if(devices_.volumes, [](const VolumeDevice& volume) {
    return volume.device.boot_index.value_or(-1) == 0;
  });
  return at == devices_.volumes.end() ? nullptr : &at->device;
}

Expected<DiskPlace> Placer::Root() {
  BlockDevice* root = RootDevice();
  if (root == nullptr) {
    const bool iso = input_.image_disk_format == "iso";
    DiskPlace place;
    place.bus = iso ? out_.cdrom_bus : out_.disk_bus;
    place.type = iso ? "cdrom" : "disk";
    place.boot_index = "1";
    place.dev = StripDev(devices_.root_device_name);
    if (place.dev.empty()) {
      ASSIGN_OR_RETURN(place.dev, FreeName(place.bus, false));
    }
    return place;
  }
  BlockDevice named = *root;
  if (named.device_name.empty()) named.device_name = devices_.root_device_name;
  ASSIGN_OR_RETURN(DiskPlace place, OfDevice(named, out_.disk_bus, false));
  Complete(*root, place);
  return place;
}

bool Placer::NamedInRequest(const std::string& dev) const {
  const auto is = [&dev](const BlockDevice& device) { return StripDev(device.device_name) == dev; };
  return std::ranges::any_of(devices_.volumes, is, &VolumeDevice::device) ||
         (devices_.swap && is(*devices_.swap)) || std::ranges::any_of(devices_.ephemerals, is);
}

Status Placer::Local() {
  if (input_.flavor.ephemeral_gb <= 0 || !devices_.ephemerals.empty()) return OkStatus();
  ASSIGN_OR_RETURN(DiskPlace place, Next(out_.disk_bus, "disk", false));
  if (!NamedInRequest(place.dev)) Put(out_.places, "disk.local", std::move(place));
  return OkStatus();
}

Status Placer::Swap() {
  if (devices_.swap) {
    ASSIGN_OR_RETURN(DiskPlace place, OfDevice(*devices_.swap, out_.disk_bus, false));
    Complete(*devices_.swap, place);
    Put(out_.places, "disk.swap", std::move(place));
    return OkStatus();
  }
  if (input_.flavor.swap_mb <= 0) return OkStatus();
  ASSIGN_OR_RETURN(DiskPlace place, Next(out_.disk_bus, "disk", true));
  if (!NamedInRequest(place.dev)) Put(out_.places, "disk.swap", std::move(place));
  return OkStatus();
}

Status Placer::ConfigDrive(const std::string& name) {
  if (!input_.config_drive) return OkStatus();
  const std::string type = config_.disk.config_drive_format == "vfat" ? "disk" : "cdrom";
  ASSIGN_OR_RETURN(const std::string bus, BusForType(config_, input_.image, type));
  ASSIGN_OR_RETURN(DiskPlace place, Next(bus, type, false));
  Put(out_.places, name, std::move(place));
  return OkStatus();
}

Status Placer::Normal() {
  const auto assign = [this](const BlockDevice& device) {
    if (!device.device_name.empty()) assigned_.push_back(StripDev(device.device_name));
  };
  if (devices_.image) assign(*devices_.image);
  std::ranges::for_each(devices_.ephemerals, assign);
  if (devices_.swap) assign(*devices_.swap);
  std::ranges::for_each(devices_.volumes, assign, &VolumeDevice::device);

  ASSIGN_OR_RETURN(DiskPlace root, Root());
  Put(out_.places, "root", root);
  if (devices_.image || RootDevice() == nullptr) Put(out_.places, "disk", root);
  RETURN_IF_ERROR(Local());
  for (std::size_t i = 0; i < devices_.ephemerals.size(); ++i) {
    ASSIGN_OR_RETURN(DiskPlace place, OfDevice(devices_.ephemerals[i], out_.disk_bus, true));
    Complete(devices_.ephemerals[i], place);
    Put(out_.places, "disk.eph" + std::to_string(i), std::move(place));
  }
  RETURN_IF_ERROR(Swap());
  for (VolumeDevice& volume : devices_.volumes) {
    ASSIGN_OR_RETURN(DiskPlace place, OfDevice(volume.device, "", true));
    Complete(volume.device, place);
    out_.volume_names.push_back(PrependDev(place.dev));
    Put(out_.places, out_.volume_names.back(), std::move(place));
  }
  return ConfigDrive("disk.config");
}

Status Placer::RescueAsRoot() {
  ASSIGN_OR_RETURN(DiskPlace rescue, Next(out_.disk_bus, "disk", false));
  rescue.boot_index = "1";
  Put(out_.places, "disk.rescue", rescue);
  Put(out_.places, "root", rescue);
  ASSIGN_OR_RETURN(DiskPlace disk, Next(out_.disk_bus, "disk", false));
  Put(out_.places, "disk", std::move(disk));
  return ConfigDrive("disk.config.rescue");
}

Status Placer::RescueAdded(const hardware::ImageProps& image) {
  RETURN_IF_ERROR(Normal());
  const std::string type = TextOr(image, "hw_rescue_device", "disk");
  if (!IsDiskType(type)) {
    return Refuse(reason::kImageInvalid, "UnsupportedRescueDevice",
                  "hw_rescue_device cannot be " + type, {{"key", "hw_rescue_device"}});
  }
  std::string bus = TextOr(image, "hw_rescue_bus");
  if (bus.empty()) {
    ASSIGN_OR_RETURN(bus, BusForType(config_, image, type));
  } else if (!IsDiskBus(bus)) {
    return Refuse(reason::kImageInvalid, "UnsupportedRescueBus", "hw_rescue_bus cannot be " + bus,
                  {{"key", "hw_rescue_bus"}});
  }
  ASSIGN_OR_RETURN(DiskPlace place, Next(bus, type, false));
  Put(out_.places, "disk.rescue", std::move(place));
  return OkStatus();
}

Expected<DiskPlacement> Placer::Run() {
  ASSIGN_OR_RETURN(out_.disk_bus, BusForType(config_, input_.image, "disk"));
  ASSIGN_OR_RETURN(out_.cdrom_bus, BusForType(config_, input_.image, "cdrom"));
  if (!input_.rescue) {
    RETURN_IF_ERROR(Normal());
  } else if (input_.rescue->stable) {
    RETURN_IF_ERROR(RescueAdded(*input_.rescue->stable));
  } else {
    RETURN_IF_ERROR(RescueAsRoot());
  }
  return std::move(out_);
}

}  // namespace

const DiskPlace* DiskPlacement::Find(std::string_view name) const {
  const auto at = std::ranges::find(places, name, &Places::value_type::first);
  return at == places.end() ? nullptr : &at->second;
}

bool DiskPlacement::RescueIsRoot() const {
  const DiskPlace* rescue = Find("disk.rescue");
  const DiskPlace* root = Find("root");
  return rescue != nullptr && root != nullptr && *rescue == *root;
}

Expected<DiskPlacement> PlaceDisks(const GuestConfig& config, const GuestInput& input) {
  return Placer(config, input).Run();
}

Expected<std::vector<std::string>> BootDevices(const DiskPlacement& placement) {
  std::vector<const DiskPlace*> booted;
  for (const auto& [name, place] : placement.places) {
    if (name != "root" && !place.boot_index.empty()) booted.push_back(&place);
  }
  // As text, as Nova does: "10" is tried before "2".
  std::ranges::stable_sort(booted, {}, [](const DiskPlace* place) { return place->boot_index; });
  std::vector<std::string> devices;
  for (const DiskPlace* place : booted) {
    std::string device = place->type == "disk" ? "hd" : place->type == "floppy" ? "fd" : "cdrom";
    if (place->type == "lun") {
      return Refuse(reason::kInvalidArgument, "KeyError", "a guest cannot be started from a LUN",
                    {{"field", "device_type"}});
    }
    if (std::ranges::find(devices, device) == devices.end()) devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace kilonova::agent::guest
