// SPDX-License-Identifier: Apache-2.0
// The mediated devices of a host: how many its physical GPUs have and can still make, and which
// ones a guest gets. Pure; who asks sees to it that two guests do not ask at once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/hardware/mdev_types.h"
#include "common/model/flavor.h"
#include "common/model/resources.h"

namespace kilonova::hardware {

// One of them. Its uuid is its own, not a guest's.
struct Mdev {
  Uuid uuid;
  std::string parent;  // libvirt's name of the physical GPU: "pci_0000_06_00_0"
  std::string type;    // "nvidia-35"
  friend bool operator==(const Mdev&, const Mdev&) = default;
};

// A device that can make some: how many more, by type.
struct MdevParent {
  std::string name;
  std::map<std::string, std::int64_t> available;
  friend bool operator==(const MdevParent&, const MdevParent&) = default;
};

// What a machine has.
struct MdevMachine {
  std::vector<MdevParent> parents;
  std::vector<Mdev> mdevs;
  std::map<Uuid, Uuid> users;  // of a mediated device: the domain that has it, running or not
};

// What a guest is to have of one physical GPU.
struct MdevRequest {
  std::string parent;  // "" = any that has room
  std::string resource_class;
  std::int64_t count = 0;
  friend bool operator==(const MdevRequest&, const MdevRequest&) = default;
};

// By parent, those that have any: what is there and what can be made of the parent's own type.
std::map<std::string, model::Inventory> MdevInventories(const MdevTypes& types,
                                                        const MdevMachine& machine);

// What the flavor's own resources ask for, group by group, of classes that `types` serves.
std::vector<MdevRequest> MdevsAsked(const model::Flavor& flavor, const MdevTypes& types);

// Devices for `instance`: existing ones that nobody has, else new ones, under uuids nobody has yet
// and still to be made. `others` are those promised to other instances, made or not.
// HOST_RESOURCES_EXHAUSTED with details class, need, free; nova_exception
// ComputeResourcesUnavailable.
Expected<std::vector<Mdev>> TakeMdevs(const MdevTypes& types, const MdevMachine& machine,
                                      const Uuid& instance, const std::vector<Mdev>& others,
                                      const std::vector<MdevRequest>& requests);

}  // namespace kilonova::hardware
