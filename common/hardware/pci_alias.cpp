// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pci_alias.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "common/base/python_text.h"
#include "common/hardware/errors.h"
#include "common/hardware/pci_alias_spec.h"
#include "common/hardware/pci_pools.h"

namespace kilonova::hardware {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostText = 4096;

Status Invalid(const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid, "pci.alias: " + message,
               {{kNovaException, "PciInvalidAlias"}, {"field", "pci.alias"}});
}

bool IsPciId(std::string_view text) {
  return text.size() == 4 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// The value as Nova's schema takes it under that name.
bool Allows(std::string_view name, const std::string& value) {
  if (name == "name") return !value.empty() && value.size() <= 256;
  if (name == "capability_type") return value == "pci";
  if (name == "vendor_id" || name == "product_id") return IsPciId(value);
  if (name == "device_type") return IsOneOf(value, {"type-PCI", "type-PF", "type-VF"});
  if (name == "numa_policy") {
    return IsOneOf(value, {"required", "legacy", "preferred", "socket"});
  }
  return false;
}

Expected<std::map<std::string, std::string>> Fields(const std::string& text) {
  if (text.size() > kMostText) return Invalid("an alias is longer than 4096 bytes");
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Invalid("not a JSON object: " + text);
  std::map<std::string, std::string> fields;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string() || !Allows(name, value.get<std::string>())) {
      return Invalid("\"" + name + "\" is unknown or has no such value in " + text);
    }
    fields.emplace(name, value.get<std::string>());
  }
  if (!fields.contains("name")) return Invalid("no name in " + text);
  return fields;
}

std::string Taken(std::map<std::string, std::string>& fields, const char* name) {
  const auto found = fields.find(name);
  if (found == fields.end()) return {};
  std::string value = std::move(found->second);
  fields.erase(found);
  return value;
}

}  // namespace

Expected<PciAliases> PciAliases::Parse(const std::vector<std::string>& texts) {
  PciAliases parsed;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(auto fields, Fields(text));
    const std::string name(PyStrip(Taken(fields, "name")));
    const std::string policy_word = Taken(fields, "numa_policy");
    const PciNumaPolicy policy =
        policy_word.empty() ? PciNumaPolicy::kLegacy : *PciNumaPolicyFrom(policy_word);
    const std::string type = Taken(fields, "device_type");
    PciSpec spec(fields.begin(), fields.end());
    if (!type.empty()) spec[std::string(kDeviceType)] = type;
    const auto [known, is_new] = parsed.aliases_.try_emplace(name);
    Alias& alias = known->second;
    if (is_new) {
      alias.policy = policy;
    } else if (alias.policy != policy) {
      return Invalid("alias " + name + " has two NUMA policies");
    } else {
      const auto first = alias.specs.front().find(kDeviceType);
      if (type.empty() || first == alias.specs.front().end() || first->second != type) {
        return Invalid("the alternatives of alias " + name + " must name one device_type");
      }
    }
    alias.specs.push_back(std::move(spec));
  }
  return parsed;
}

Expected<std::vector<PciRequest>> PciAliases::RequestsFor(std::string_view alias_spec,
                                                          PciNumaPolicy policy) const {
  std::vector<PciRequest> requests;
  for (const std::string_view each : PySplitComma(alias_spec)) {
    ASSIGN_OR_RETURN(const PciAliasPiece piece, ReadPciAliasPiece(each));
    const auto alias = aliases_.find(piece.name);
    if (alias == aliases_.end()) {
      return WithDetail(FlavorRefused("PciRequestAliasNotDefined", kPciAliasSpec,
                                      "no PCI alias " + piece.name.substr(0, 256) + " is defined"),
                        "alias", piece.name.substr(0, 256));
    }
    ASSIGN_OR_RETURN(const std::int64_t count, ReadPciAliasCount(piece));
    if (requests.size() == kMostPciAliases) {
      return FlavorRefused("ValueError", kPciAliasSpec, "names more than 64 aliases");
    }
    PciRequest& request = requests.emplace_back();
    request.count = count;
    request.spec = alias->second.specs;
    request.alias_name = piece.name;
    request.numa_policy = policy == PciNumaPolicy::kNone ? alias->second.policy : policy;
  }
  return requests;
}

}  // namespace kilonova::hardware
