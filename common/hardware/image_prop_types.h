// SPDX-License-Identifier: Apache-2.0
// The table behind ImageProps. Internal to common/hardware.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kilonova::hardware {

enum class PropertyType {
  kText,
  kInteger,
  kFlag,
  kVersionPredicate,
  kNumaCpus,  // spread over hw_numa_cpus.0, .1...
  kNumaMem,
  kList,  // Glance's JSON; not read
  // Enums, by the words they take.
  kArchitecture,
  kDiskBus,
  kBlockDevice,
  kCpuPolicy,
  kCpuThreadPolicy,
  kFirmware,
  kInputBus,
  kPciNumaPolicy,
  kPointer,
  kRng,
  kScsi,
  kVideo,
  kVif,
  kViommu,
  kVmMode,
  kWatchdog,
  kTpmModel,
  kTpmVersion,
  kDiskEncryption,
  kHypervisor,
  kConfigDrive,
  kSignatureHash,
  kSignatureKey,
  kSecureBoot,
  kOs,
};

struct Property {
  std::string_view name;
  PropertyType type;
};

// ImageMetaProps' fields in the order Nova sets them: it decides which fault is met first.
std::span<const Property> Properties();
const Property* FindProperty(std::string_view name);

struct LegacyName {
  std::string_view legacy;
  std::string_view name;
};
std::span<const LegacyName> LegacyNames();

// The canonical word for `text` in an enum; nothing when it is none of the enum's.
std::optional<std::string> EnumWord(PropertyType type, std::string_view text);

}  // namespace kilonova::hardware
