// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/mdev_types.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/hardware/errors.h"

namespace kilonova::hardware {
namespace {

constexpr std::string_view kCustom = "CUSTOM_";
constexpr std::size_t kMostName = 255;

Status Invalid(const std::string& key, const std::string& value, const std::string& why) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid, key + ": '" + value + "' " + why,
               {{"field", key},
                {"value", value},
                {std::string(kNovaException), "InvalidLibvirtMdevConfig"}});
}

bool IsDigitOf(char c, std::string_view digits) { return digits.find(c) != std::string_view::npos; }

// "0000:06:00.0", in hexadecimal digits; the function in octal ones.
bool IsPciAddress(std::string_view text) {
  constexpr std::string_view kForm = "hhhh:hh:hh.o";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool fits = kForm[i] == 'h'   ? IsDigitOf(text[i], "0123456789abcdefABCDEF")
                      : kForm[i] == 'o' ? IsDigitOf(text[i], "01234567")
                                        : text[i] == kForm[i];
    if (!fits) return false;
  }
  return true;
}

bool IsCustom(std::string_view name) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return name.starts_with(kCustom) && name.size() > kCustom.size() && name.size() <= kMostName &&
         std::ranges::all_of(name, [&](char c) { return IsDigitOf(c, kLetters); });
}

// A name of a directory of the kernel's.
bool IsTypeName(std::string_view name) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
  return !name.empty() && name.size() <= kMostName && name[0] != '.' &&
         std::ranges::all_of(name, [&](char c) { return IsDigitOf(c, kLetters); });
}

// "pci_0000_06_00_0" as an address; what follows a fourth part is not looked at. "" for no such
// name.
std::string AddressOf(std::string_view parent) {
  if (parent.size() < 4) return {};
  std::string address(parent.substr(4));
  int part = 0;
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (address[i] != '_') continue;
    if (++part == 4) {
      address.resize(i);
      break;
    }
    address[i] = part == 3 ? '.' : ':';
  }
  return IsPciAddress(address) ? address : std::string();
}

Status CheckNames(const MdevTypeOptions& group) {
  if (!IsTypeName(group.type)) {
    return Invalid("devices.enabled_mdev_types", group.type, "is no type of a mediated device");
  }
  const std::string prefix = "mdev_" + group.type + ".";
  if (group.mdev_class != kVgpu && !IsCustom(group.mdev_class)) {
    return Invalid(prefix + "mdev_class", group.mdev_class,
                   "is neither VGPU nor CUSTOM_[A-Z0-9_]+");
  }
  for (const std::string& trait : group.traits) {
    if (!IsCustom(trait)) {
      return Invalid(prefix + "traits", trait, "is not CUSTOM_[A-Z0-9_]+");
    }
  }
  return OkStatus();
}

}  // namespace

Expected<MdevTypes> MdevTypes::From(const std::vector<MdevTypeOptions>& enabled) {
  MdevTypes types;
  if (enabled.empty()) return types;
  types.first_ = enabled.front().type;
  for (const MdevTypeOptions& group : enabled) {
    RETURN_IF_ERROR(CheckNames(group));
    types.traits_[group.type] = group.traits;
  }
  const auto only_the_first = [&types] {
    types.by_address_.clear();
    types.classes_ = {std::string(kVgpu)};
    return types;
  };
  if (enabled.size() == 1) {
    if (!enabled[0].device_addresses.empty() || enabled[0].mdev_class != kVgpu) {
      LogWarn(
          "one mdev type is enabled: every GPU that can serves it, as VGPU; its addresses and "
          "class are not looked at",
          {F("type", types.first_)});
    }
    return only_the_first();
  }
  for (const MdevTypeOptions& group : enabled) {
    const std::string key = "mdev_" + group.type + ".device_addresses";
    if (group.device_addresses.empty()) {
      LogWarn("an enabled mdev type names no device: only the first type is used",
              {F("type", group.type), F("first", types.first_), F("key", key)});
      return only_the_first();
    }
    for (const std::string& address : group.device_addresses) {
      if (types.by_address_.contains(address)) {
        return Invalid(key, address, "is given to a type already");
      }
      if (!IsPciAddress(address)) return Invalid(key, address, "is no PCI address");
      types.by_address_[address] = {group.type, group.mdev_class};
      types.classes_.insert(group.mdev_class);
    }
  }
  return types;
}

const MdevTypes::Group* MdevTypes::Find(std::string_view parent) const {
  const auto at = by_address_.find(AddressOf(parent));
  return at == by_address_.end() ? nullptr : &at->second;
}

std::string MdevTypes::TypeOf(std::string_view parent) const {
  if (by_address_.empty()) return first_;
  const Group* group = Find(parent);
  return group == nullptr ? std::string() : group->type;
}

std::string MdevTypes::ClassOf(std::string_view parent) const {
  const Group* group = Find(parent);
  return group == nullptr ? std::string(kVgpu) : group->mdev_class;
}

std::vector<std::string> MdevTypes::TraitsOf(std::string_view parent) const {
  const auto at = traits_.find(TypeOf(parent));
  return at == traits_.end() ? std::vector<std::string>() : at->second;
}

bool MdevTypes::Serves(std::string_view resource_class) const {
  return classes_.find(resource_class) != classes_.end();
}

}  // namespace kilonova::hardware
