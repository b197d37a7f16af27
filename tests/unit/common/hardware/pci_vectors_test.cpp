// SPDX-License-Identifier: Apache-2.0
// What real Nova makes of device_spec, of aliases and of requests for devices:
// tests/tools/pci_vectors.py writes the file.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/hardware/pci_alias.h"
#include "common/hardware/pci_devices.h"
#include "tests/support/nova_vectors.h"

namespace kilonova::hardware {
namespace {

using Json = nlohmann::json;

PciMachine MachineFrom(const Json& vector) {
  PciMachine machine;
  machine.is_physical_function = [&vector](const std::string& address) {
    const Json& physical = vector.at("physical");
    return std::ranges::find(physical, Json(address)) != physical.end();
  };
  machine.function_of = [&vector](const std::string& name) -> std::optional<PciMachine::Function> {
    const auto found = vector.at("interfaces").find(name);
    if (found == vector.at("interfaces").end()) return std::nullopt;
    return PciMachine::Function{found->at(0), found->at(1)};
  };
  return machine;
}

PciDevice DeviceFrom(const Json& json) {
  PciDevice device;
  device.address = json.at("address");
  device.vendor_id = json.at("vendor_id");
  device.product_id = json.at("product_id");
  device.dev_type = json.at("dev_type");
  device.parent_addr = json.at("parent_addr");
  device.parent_ifname = json.value("parent_ifname", "");
  if (!json.at("numa_node").is_null()) device.numa_node = json.at("numa_node");
  return device;
}

std::vector<std::string> Texts(const Json& json) { return json.get<std::vector<std::string>>(); }

Json ErrorOf(const Status& status) {
  return {{"error", DetailsOf(status)[std::string("nova_exception")]}};
}

Json Match(const Json& vector) {
  const PciMachine machine = MachineFrom(vector);
  const auto specs = PciDeviceSpecs::Parse(Texts(vector.at("specs")), machine);
  if (!specs.ok()) return ErrorOf(specs.status());
  Json result = Json::array();
  for (const Json& device : vector.at("devices")) {
    const PciTags* tags = specs->TagsFor(DeviceFrom(device), machine);
    Json& found = result.emplace_back();
    if (tags == nullptr) continue;
    found = Json::object();
    for (const auto& [name, value] : *tags) found[name] = value ? Json(*value) : Json();
  }
  return {{"result", result}};
}

Json Alias(const Json& vector) {
  const auto aliases = PciAliases::Parse(Texts(vector.at("aliases")));
  if (!aliases.ok()) return ErrorOf(aliases.status());
  const auto policy = vector.at("policy").is_null()
                          ? PciNumaPolicy::kNone
                          : *PciNumaPolicyFrom(vector.at("policy").get<std::string>());
  const auto requests = aliases->RequestsFor(vector.at("asked").get<std::string>(), policy);
  if (!requests.ok()) return ErrorOf(requests.status());
  Json result = Json::array();
  for (const PciRequest& request : *requests) {
    Json specs = Json::array();
    for (const PciSpec& spec : request.spec) {
      Json& properties = specs.emplace_back(Json::object());
      for (const auto& [name, value] : spec) properties[name] = value.value_or("");
    }
    result.push_back({{"count", request.count},
                      {"spec", specs},
                      {"alias_name", request.alias_name},
                      {"numa_policy", ToText(request.numa_policy)}});
  }
  return {{"result", result}};
}

// As Nova's dictionaries.
Json PoolsIn(const PciStats& stats) {
  Json pools = Json::array();
  for (const PciDevicePool& from : stats.Pools()) {
    Json& to = pools.emplace_back();
    to["vendor_id"] = from.vendor_id;
    to["product_id"] = from.product_id;
    to["numa_node"] = from.numa_node ? Json(*from.numa_node) : Json();
    to["count"] = from.count;
    for (const auto& [name, value] : from.tags) to[name] = value ? Json(*value) : Json();
  }
  return pools;
}

Json Sorted(Json pools) {
  std::sort(pools.begin(), pools.end());  // NOLINT: its iterators are not of C++20's ranges
  return pools;
}

Json Take(const Json& vector) {
  const PciMachine machine = MachineFrom(vector);
  const auto specs = PciDeviceSpecs::Parse(Texts(vector.at("specs")), machine);
  if (!specs.ok()) return ErrorOf(specs.status());
  std::vector<AssignablePciDevice> assignable;
  for (const Json& json : vector.at("devices")) {
    const PciDevice device = DeviceFrom(json);
    if (const PciTags* tags = specs->TagsFor(device, machine)) {
      assignable.push_back({device, *tags});
    }
  }
  PciDevices devices(assignable);
  std::vector<PciRequest> requests;
  for (const Json& json : vector.at("requests")) {
    PciRequest& request = requests.emplace_back();
    request.count = json.at("count");
    request.numa_policy = *PciNumaPolicyFrom(json.at("numa_policy").get<std::string>());
    for (const Json& properties : json.at("spec")) {
      PciSpec& spec = request.spec.emplace_back();
      for (const auto& [name, value] : properties.items()) spec[name] = value.get<std::string>();
    }
  }
  HostNumaTopology host;
  for (const Json& socket : vector.at("sockets")) {
    HostNumaCell& cell = host.cells.emplace_back();
    cell.id = static_cast<std::int64_t>(host.cells.size()) - 1;
    if (!socket.is_null()) cell.socket = socket.get<std::int64_t>();
  }
  PciAffinity affinity{.host = &host, .cell_ids = {}};
  if (!vector.at("cells").is_null()) {
    affinity.cell_ids = vector.at("cells").get<std::vector<std::int64_t>>();
  }
  const auto before = devices.Free();
  EXPECT_EQ(PoolsIn(before), vector.at("pools")) << vector.at("id");
  const auto taken = devices.Take(requests, affinity);
  if (!taken.ok()) {
    EXPECT_EQ(devices.Free(), before) << "a refusal took something";
    return ErrorOf(taken.status());
  }
  EXPECT_EQ(Sorted(PoolsIn(devices.Free())), Sorted(vector.at("pools_left"))) << vector.at("id");
  devices.Return(*taken);
  EXPECT_EQ(devices.Free(), before);
  return {{"result", *taken}};
}

TEST(PciVectors, AreAnsweredAsByNova) {
  const Json file = Json::parse(kilonova::testing::ReadVectors("pci.json"));
  std::map<std::string, int> right;
  for (const Json& vector : file.at("vectors")) {
    const std::string kind = vector.at("kind");
    const Json ours = kind == "match"   ? Match(vector)
                      : kind == "alias" ? Alias(vector)
                                        : Take(vector);
    const char* const key = vector.contains("error") ? "error" : "result";
    EXPECT_EQ(ours, Json({{key, vector.at(key)}})) << vector.dump();
    right[kind] += ours.value(key, Json()) == vector.at(key) ? 1 : 0;
  }
  for (const auto& [kind, count] : right) std::cout << kind << ": " << count << "\n";
  EXPECT_GE(right["match"] + right["alias"] + right["take"], 210);
}

}  // namespace
}  // namespace kilonova::hardware
