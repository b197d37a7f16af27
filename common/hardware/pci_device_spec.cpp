// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pci_device_spec.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <regex>
#include <variant>

#include "common/base/python_text.h"
#include "common/hardware/errors.h"

namespace kilonova::hardware {
namespace {

using Json = nlohmann::json;
// Of an address: domain, bus, slot, function; texts, "*" for any.
using Parts = std::array<std::string, 4>;

constexpr std::size_t kMostText = 65536;
constexpr std::size_t kMostEntries = 1024;
constexpr int kMostDepth = 8;
constexpr std::size_t kMostPattern = 256;  // the compiler of patterns calls itself for each bracket
// What a host's report takes.
constexpr std::size_t kMostTags = 32, kMostTagName = 255, kMostTagValue = 1024;
constexpr const char* kAny = "*";
constexpr std::array<int, 4> kMostOfPart = {0xFFFF, 0xFF, 0x1F, 0x7};
constexpr std::array<const char*, 4> kNames = {"domain", "bus", "slot", "function"};

Status Invalid(std::string_view exception, const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid, "pci.device_spec: " + message,
               {{kNovaException, std::string(exception)}, {"field", "pci.device_spec"}});
}

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Python's int(text, 16), of numbers that matter here.
std::optional<long> PyHex(std::string_view text) {
  text = PyStrip(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  bool may_underscore = false;
  if (text.size() > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    text.remove_prefix(2);
    may_underscore = true;
  }
  if (text.empty()) return std::nullopt;
  long value = 0;
  for (const char c : text) {
    if (c == '_') {
      if (!may_underscore) return std::nullopt;
      may_underscore = false;
      continue;
    }
    if (!IsHexDigit(c)) return std::nullopt;
    may_underscore = true;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    value = std::min(value * 16 + digit, 0x7FFFFFFFL);
  }
  if (!may_underscore) return std::nullopt;
  return negative ? -value : value;
}

Status Number(const char* name, std::string& text, long most, int digits) {
  if (text == kAny) return OkStatus();
  const auto value = PyHex(text);
  if (!value) {
    return Invalid("PciConfigInvalidSpec",
                   std::string(name) + " is no hexadecimal number: " + text.substr(0, 64));
  }
  if (*value > most) {
    return Invalid("PciConfigInvalidSpec", std::string(name) + " is too large: " + text);
  }
  char formatted[32];
  // As Python's %0Nx: the sign counts among the digits.
  std::snprintf(formatted, sizeof formatted, "%s%0*lx", *value < 0 ? "-" : "",
                *value < 0 ? std::max(digits - 1, 1) : digits, *value < 0 ? -*value : *value);
  text = formatted;
  return OkStatus();
}

Status Numbers(Parts& parts) {
  constexpr std::array<int, 4> kDigits = {4, 2, 2, 1};
  for (const std::size_t i : {3U, 0U, 1U, 2U}) {
    RETURN_IF_ERROR(Number(kNames[i], parts[i], kMostOfPart[i], kDigits[i]));
  }
  return OkStatus();
}

// domain:bus:slot.function, all of them there.
std::optional<Parts> SplitWhole(std::string_view text) {
  Parts parts;
  const std::size_t dot = text.find('.');
  if (dot != std::string_view::npos) parts[3] = text.substr(dot + 1);
  text = text.substr(0, dot);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t colon = text.find(':');
    if ((colon == std::string_view::npos) != (i == 2)) return std::nullopt;
    parts[i] = text.substr(0, colon);
    text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
  }
  return parts;
}

std::string OrAny(std::string_view text) {
  text = PyStrip(text);
  return text.empty() ? kAny : std::string(text);
}

Expected<Parts> ParseGlob(std::string_view text) {
  Parts parts = {kAny, kAny, kAny, kAny};
  const std::size_t dot = text.find('.');
  const std::string_view function =
      dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  if (!function.empty()) {
    parts[3] = PyStrip(function);
    RETURN_IF_ERROR(Number(kNames[3], parts[3], kMostOfPart[3], 1));
  }
  text = text.substr(0, dot);
  if (text.empty()) return parts;
  std::vector<std::string> fields;
  while (true) {
    const std::size_t colon = text.find(':');
    fields.push_back(OrAny(text.substr(0, colon)));
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
  }
  if (fields.size() > 3) {
    return Invalid("PciDeviceWrongAddressFormat", "an address has at most three colons");
  }
  for (std::size_t i = 0; i < fields.size(); ++i) parts[3 - fields.size() + i] = fields[i];
  RETURN_IF_ERROR(Numbers(parts));
  return parts;
}

Parts PartsOf(const PciFunctionAddress& address) {
  return {address.domain, address.bus, address.slot, address.function};
}

struct Glob {
  Parts parts;
  bool Matches(const Parts& have) const {
    for (std::size_t i = 0; i < have.size(); ++i) {
      if (parts[i] != kAny && parts[i] != have[i]) return false;
    }
    return true;
  }
};

struct Patterns {
  Parts texts;
  std::array<std::regex, 4> compiled;
  bool Matches(const Parts& have) const {
    for (std::size_t i = 0; i < have.size(); ++i) {
      if (!std::regex_search(have[i], compiled[i], std::regex_constants::match_continuous)) {
        return false;
      }
    }
    return true;
  }
};

Expected<Patterns> ParsePatterns(const Json& object) {
  Patterns patterns;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto found = object.find(kNames[i]);
    if (found != object.end() && !found->is_string()) {
      return Invalid("PciDeviceWrongAddressFormat", "a part of an address is no text");
    }
    patterns.texts[i] = found == object.end() ? ".*" : found->get<std::string>();
    if (patterns.texts[i].size() > kMostPattern) {
      return Invalid("PciDeviceWrongAddressFormat", "a part of an address is too long");
    }
    try {
      patterns.compiled[i] = std::regex(patterns.texts[i]);
    } catch (const std::regex_error&) {
      return Invalid("PciDeviceWrongAddressFormat",
                     "no regular expression: " + patterns.texts[i].substr(0, 256));
    }
  }
  return patterns;
}

bool IsSingle(const Parts& parts) {
  return std::ranges::all_of(
      parts, [](const std::string& part) { return std::ranges::all_of(part, IsHexDigit); });
}

// An address of the configuration, and whether it names a physical function, whose virtual ones are
// then meant too.
struct Address {
  std::variant<Glob, Patterns> form;
  bool physical = false;

  bool Matches(const Parts& have) const {
    return std::visit([&](const auto& one) { return one.Matches(have); }, form);
  }
};

std::string Joined(const Parts& parts) {
  return parts[0] + ":" + parts[1] + ":" + parts[2] + "." + parts[3];
}

bool IsPhysical(const PciMachine& machine, const Parts& parts) {
  return IsSingle(parts) && machine.is_physical_function != nullptr &&
         machine.is_physical_function(Joined(parts));
}

Expected<Address> ParseAddress(const Json& json, const PciMachine& machine) {
  Address address;
  if (json.is_string()) {
    ASSIGN_OR_RETURN(const Parts parts, ParseGlob(json.get<std::string>()));
    address.form = Glob{parts};
    address.physical = IsPhysical(machine, parts);
    return address;
  }
  if (json.is_object()) {
    ASSIGN_OR_RETURN(auto patterns, ParsePatterns(json));
    address.physical = IsPhysical(machine, patterns.texts);
    address.form = std::move(patterns);
    return address;
  }
  return Invalid("PciDeviceWrongAddressFormat", "an address is neither a text nor an object");
}

// Null, false, 0, "", [] and {} are no address, as in Python.
bool IsFalsy(const Json& json) {
  if (json.is_null()) return true;
  if (json.is_boolean()) return !json.get<bool>();
  if (json.is_number()) return json.get<double>() == 0;
  return json.empty() || (json.is_string() && json.get_ref<const std::string&>().empty());
}

}  // namespace

struct PciDeviceSpecs::Entry {
  std::string vendor_id = kAny, product_id = kAny;
  std::string devname;  // goes before the address
  Address address;
  PciTags tags;

  static Expected<Entry> Parse(Json json, const PciMachine& machine);
  bool Takes(const PciDevice& device, const PciMachine& machine) const;
  bool AddressMatches(const PciDevice& device, const PciMachine& machine) const;

 private:
  Status TakeIds(Json& json);
  Status TakeTags(const Json& json);
};

std::optional<PciFunctionAddress> PciFunctionAddress::Parse(std::string_view text) {
  auto parts = SplitWhole(text);
  if (!parts || !Numbers(*parts).ok()) return std::nullopt;
  return PciFunctionAddress{(*parts)[0], (*parts)[1], (*parts)[2], (*parts)[3]};
}

Status PciDeviceSpecs::Entry::TakeIds(Json& json) {
  for (auto [name, target] : {std::pair{"vendor_id", &vendor_id}, {"product_id", &product_id}}) {
    const auto found = json.find(name);
    if (found == json.end()) continue;
    if (!found->is_string()) {
      return Invalid("PciConfigInvalidSpec", std::string(name) + " is no text");
    }
    *target = found->get<std::string>();
    if (target == &vendor_id) *target = PyStrip(*target);
    RETURN_IF_ERROR(Number(name, *target, 0xFFFF, 4));
    json.erase(found);
  }
  return OkStatus();
}

Status PciDeviceSpecs::Entry::TakeTags(const Json& json) {
  if (json.size() > kMostTags) return Invalid("PciConfigInvalidSpec", "an entry has too many tags");
  for (const auto& [name, value] : json.items()) {
    if (name.empty() || name.size() > kMostTagName) {
      return Invalid("PciConfigInvalidSpec", "the name of a tag is empty or too long");
    }
    if (value.is_null()) {
      tags[name] = std::nullopt;
    } else if (value.is_string()) {
      tags[name] = value.get<std::string>();
    } else if (value.is_boolean()) {
      tags[name] = value.get<bool>() ? "True" : "False";
    } else if (value.is_number_integer()) {
      tags[name] = value.dump();
    } else {
      return Invalid("PciConfigInvalidSpec", "tag " + name + " is no text");
    }
    if (tags[name].value_or("").size() > kMostTagValue) {
      return Invalid("PciConfigInvalidSpec", "tag " + name + " is too long");
    }
  }
  const auto remote = tags.find("remote_managed");
  if (remote != tags.end() && remote->second && PyBool(*remote->second)) {
    return Invalid("PciDeviceRemoteManagedNotPresent", "remote_managed devices are not served");
  }
  return OkStatus();
}

Expected<PciDeviceSpecs::Entry> PciDeviceSpecs::Entry::Parse(Json json, const PciMachine& machine) {
  Entry entry;
  RETURN_IF_ERROR(entry.TakeIds(json));
  const Json devname = json.value("devname", Json());
  const Json where = json.value("address", Json());
  json.erase("devname");
  json.erase("address");
  if (!IsFalsy(devname)) {
    if (!devname.is_string()) return Invalid("PciConfigInvalidSpec", "devname is no text");
    if (!IsFalsy(where)) {
      return Invalid("PciDeviceInvalidDeviceName", "devname and address exclude each other");
    }
    entry.devname = devname.get<std::string>();
  } else {
    ASSIGN_OR_RETURN(entry.address,
                     ParseAddress(IsFalsy(where) ? Json("*:*:*.*") : where, machine));
  }
  RETURN_IF_ERROR(entry.TakeTags(json));
  return entry;
}

bool PciDeviceSpecs::Entry::AddressMatches(const PciDevice& device,
                                           const PciMachine& machine) const {
  const auto own = PciFunctionAddress::Parse(device.address);
  if (!own) return false;
  Address named = address;
  if (!devname.empty()) {
    const auto function = machine.function_of ? machine.function_of(devname) : std::nullopt;
    if (!function) return false;
    named.physical = function->physical;
    auto parts = ParseGlob(function->address);
    if (!parts.ok()) return false;
    named.form = Glob{*parts};
    if (!named.physical) named.physical = IsPhysical(machine, *parts);
  }
  if (named.physical && !device.parent_addr.empty()) {
    const auto parent = PciFunctionAddress::Parse(device.parent_addr);
    if (!parent) return false;
    if (named.Matches(PartsOf(*parent))) return true;
  }
  return named.Matches(PartsOf(*own));
}

bool PciDeviceSpecs::Entry::Takes(const PciDevice& device, const PciMachine& machine) const {
  return (vendor_id == kAny || vendor_id == device.vendor_id) &&
         (product_id == kAny || product_id == device.product_id) && AddressMatches(device, machine);
}

PciDeviceSpecs::PciDeviceSpecs() = default;
PciDeviceSpecs::~PciDeviceSpecs() = default;
PciDeviceSpecs::PciDeviceSpecs(PciDeviceSpecs&&) noexcept = default;
PciDeviceSpecs& PciDeviceSpecs::operator=(PciDeviceSpecs&&) noexcept = default;

bool PciDeviceSpecs::Empty() const { return entries_.empty(); }

Expected<PciDeviceSpecs> PciDeviceSpecs::Parse(const std::vector<std::string>& texts,
                                               const PciMachine& machine) {
  PciDeviceSpecs specs;
  for (const std::string& text : texts) {
    if (text.size() > kMostText) {
      return Invalid("PciConfigInvalidSpec", "an entry is longer than 65536 bytes");
    }
    bool deep = false;
    Json json = Json::parse(
        text,
        [&deep](int depth, Json::parse_event_t, Json&) {
          deep = deep || depth > kMostDepth;
          return depth <= kMostDepth;
        },
        false);
    if (deep) return Invalid("PciConfigInvalidSpec", "an entry is nested too deeply");
    if (json.is_object()) json = Json::array({json});
    if (!json.is_array()) {
      return Invalid("PciConfigInvalidSpec",
                     "neither a JSON object nor a list of such: " + text.substr(0, 256));
    }
    for (const Json& one : json) {
      if (!one.is_object()) return Invalid("PciConfigInvalidSpec", "an entry is no JSON object");
      if (specs.entries_.size() == kMostEntries) {
        return Invalid("PciConfigInvalidSpec", "more than 1024 entries");
      }
      ASSIGN_OR_RETURN(Entry entry, Entry::Parse(one, machine));
      specs.entries_.push_back(std::make_unique<Entry>(std::move(entry)));
    }
  }
  return specs;
}

const PciTags* PciDeviceSpecs::TagsFor(const PciDevice& device, const PciMachine& machine) const {
  for (const auto& entry : entries_) {
    if (entry->Takes(device, machine)) return &entry->tags;
  }
  return nullptr;
}

}  // namespace kilonova::hardware
