// SPDX-License-Identifier: Apache-2.0
// Nova's [devices] enabled_mdev_types and its [mdev_<type>] groups: which type of mediated device
// each physical GPU of a host serves, and as which resource class.
//
//   ASSIGN_OR_RETURN(const auto types, MdevTypes::From(options));
//   types.TypeOf("pci_0000_06_00_0");  // "nvidia-35", or "" when it serves none
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace kilonova::hardware {

inline constexpr std::string_view kVgpu = "VGPU";

// One enabled type with its group.
struct MdevTypeOptions {
  std::string type;                           // "nvidia-35", as the kernel names it
  std::vector<std::string> device_addresses;  // "0000:06:00.0", as libvirt writes them
  std::string mdev_class{kVgpu};              // or CUSTOM_...
  std::vector<std::string> traits;            // CUSTOM_..., of each GPU that serves the type
};

// Parents are physical GPUs under libvirt's names: "pci_0000_06_00_0".
class MdevTypes {
 public:
  MdevTypes() = default;  // none enabled

  // By Nova's rules: with one type every GPU serves it, as VGPU, whatever its group says; with
  // several each serves those GPUs its group names; if one of several names none, only the first
  // type is used, as if it were alone. CONFIG_INVALID naming key and value: an address twice or
  // none, a class that is neither VGPU nor CUSTOM_..., a trait that is not CUSTOM_..., a type that
  // can be none.
  static Expected<MdevTypes> From(const std::vector<MdevTypeOptions>& enabled);

  bool Empty() const { return first_.empty(); }
  std::string TypeOf(std::string_view parent) const;   // "" = none
  std::string ClassOf(std::string_view parent) const;  // of a GPU that serves any
  std::vector<std::string> TraitsOf(std::string_view parent) const;
  // Whether any GPU may serve it.
  bool Serves(std::string_view resource_class) const;

 private:
  struct Group {
    std::string type, mdev_class;
  };
  const Group* Find(std::string_view parent) const;

  std::string first_;
  // By PCI address; empty: every GPU serves the first type.
  std::map<std::string, Group, std::less<>> by_address_;
  std::map<std::string, std::vector<std::string>> traits_;  // by type
  std::set<std::string, std::less<>> classes_;
};

}  // namespace kilonova::hardware
