// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/common/hardware/numa_json.h"

#include <stdexcept>

#include "tests/support/nova_vectors.h"

namespace kilonova::hardware::testing {
namespace {

std::string TextOr(const Json& json, const std::string& key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::int64_t> NumberOr(const Json& json, const std::string& key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  return found->get<std::int64_t>();
}

CpuSet CpusFrom(const Json& json) { return CpuSet(json.get<std::vector<CpuId>>()); }

PciSpec SpecFrom(const Json& json) {
  PciSpec spec;
  for (const auto& [key, value] : json.items()) {
    spec[key] = value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
  }
  return spec;
}

Json WordOr(std::string_view word) { return word.empty() ? Json() : Json(word); }

HostNumaCell HostCellFrom(const Json& json) {
  HostNumaCell cell;
  cell.id = json.at("id");
  cell.cpuset = CpusFrom(json.at("cpuset"));
  cell.pcpuset = CpusFrom(json.at("pcpuset"));
  cell.memory = json.at("memory");
  cell.cpu_usage = json.at("cpu_usage");
  cell.memory_usage = json.at("memory_usage");
  cell.pinned_cpus = CpusFrom(json.at("pinned_cpus"));
  for (const auto& core : json.at("siblings")) cell.siblings.push_back(CpusFrom(core));
  for (const auto& pages : json.at("mempages")) {
    cell.mempages.push_back({pages.at("size_kb"), pages.at("total"), pages.at("used"),
                             pages.value("reserved", std::int64_t{0})});
  }
  cell.socket = NumberOr(json, "socket");
  if (const auto networks = json.find("network_metadata");
      networks != json.end() && networks->is_object()) {
    cell.network_metadata = NetworksFrom(*networks);
  }
  return cell;
}

Json ToJson(const HostNumaCell& cell) {
  Json json = {{"id", cell.id},
               {"cpuset", testing::ToJson(cell.cpuset)},
               {"pcpuset", testing::ToJson(cell.pcpuset)},
               {"memory", cell.memory},
               {"cpu_usage", cell.cpu_usage},
               {"memory_usage", cell.memory_usage},
               {"pinned_cpus", testing::ToJson(cell.pinned_cpus)},
               {"siblings", Json::array()},
               {"mempages", Json::array()},
               {"socket", cell.socket ? Json(*cell.socket) : Json()}};
  for (const auto& core : cell.siblings) json["siblings"].push_back(testing::ToJson(core));
  for (const auto& pages : cell.mempages) {
    json["mempages"].push_back({{"size_kb", pages.size_kb},
                                {"total", pages.total},
                                {"used", pages.used},
                                {"reserved", pages.reserved}});
  }
  if (cell.network_metadata) {
    json["network_metadata"] = {{"physnets", cell.network_metadata->physnets},
                                {"tunneled", cell.network_metadata->tunneled}};
  }
  return json;
}

Json ToJson(const InstanceNumaCell& cell) {
  Json pinning;
  for (const auto& [guest, host] : cell.cpu_pinning) pinning[std::to_string(guest)] = host;
  return {{"id", cell.id},
          {"cpuset", testing::ToJson(cell.cpuset)},
          {"pcpuset", testing::ToJson(cell.pcpuset)},
          {"memory", cell.memory},
          {"pagesize", cell.pagesize ? Json(*cell.pagesize) : Json()},
          {"cpu_policy", WordOr(ToText(cell.cpu_policy))},
          {"cpu_thread_policy", WordOr(ToText(cell.cpu_thread_policy))},
          {"cpu_pinning", pinning},
          {"cpuset_reserved",
           cell.cpuset_reserved.Empty() ? Json() : testing::ToJson(cell.cpuset_reserved)}};
}

}  // namespace

Json LoadVectors(const std::string& name) {
  const std::string text = kilonova::testing::ReadVectors(name);
  if (text.empty()) throw std::runtime_error("no vectors called " + name);
  return Json::parse(text);
}

model::Flavor FlavorFrom(const Json& json) {
  model::Flavor flavor;
  flavor.name = flavor.flavorid = "flavor";
  flavor.vcpus = json.at("vcpus");
  flavor.memory_mb = json.at("memory_mb");
  flavor.extra_specs = json.at("extra_specs").get<model::ExtraSpecs>();
  return flavor;
}

std::map<std::string, std::string> PropertiesFrom(const Json& image) {
  if (image.is_null()) return {};
  return image.at("properties").get<std::map<std::string, std::string>>();
}

NetworkMetadata NetworksFrom(const Json& json) {
  return {json.at("physnets").get<std::set<std::string>>(), json.at("tunneled").get<bool>()};
}

HostNumaTopology HostFrom(const Json& json) {
  HostNumaTopology host;
  for (const auto& cell : json.at("cells")) host.cells.push_back(HostCellFrom(cell));
  return host;
}

InstanceNumaTopology InstanceFrom(const Json& json) {
  InstanceNumaTopology instance;
  for (const auto& from : json.at("cells")) {
    InstanceNumaCell cell;
    cell.id = from.at("id");
    cell.cpuset = CpusFrom(from.at("cpuset"));
    cell.pcpuset = CpusFrom(from.at("pcpuset"));
    cell.memory = from.at("memory");
    cell.pagesize = NumberOr(from, "pagesize");
    cell.cpu_policy = CpuPolicyFrom(TextOr(from, "cpu_policy")).value();
    cell.cpu_thread_policy = CpuThreadPolicyFrom(TextOr(from, "cpu_thread_policy")).value();
    instance.cells.push_back(std::move(cell));
  }
  instance.emulator_threads_policy =
      EmulatorThreadsPolicyFrom(TextOr(json, "emulator_threads_policy")).value();
  return instance;
}

std::optional<NumaLimits> LimitsFrom(const Json& json) {
  if (json.is_null()) return std::nullopt;
  NumaLimits limits;
  limits.cpu_allocation_ratio = json.at("cpu_allocation_ratio");
  limits.ram_allocation_ratio = json.at("ram_allocation_ratio");
  if (json.contains("network_metadata")) {
    limits.network_metadata = NetworksFrom(json.at("network_metadata"));
  }
  return limits;
}

std::vector<PciRequest> RequestsFrom(const Json& json) {
  std::vector<PciRequest> requests;
  for (const auto& from : json) {
    PciRequest request;
    request.count = from.at("count");
    for (const auto& spec : from.at("spec")) request.spec.push_back(SpecFrom(spec));
    request.alias_name = TextOr(from, "alias_name");
    request.request_id = TextOr(from, "request_id");
    request.numa_policy = PciNumaPolicyFrom(TextOr(from, "numa_policy")).value();
    requests.push_back(std::move(request));
  }
  return requests;
}

std::vector<PciDevicePool> PoolsFrom(const Json& json) {
  std::vector<PciDevicePool> pools;
  for (const auto& from : json) {
    pools.push_back({from.at("vendor_id"), from.at("product_id"), NumberOr(from, "numa_node"),
                     from.at("count"), SpecFrom(from.at("tags"))});
  }
  return pools;
}

Json ToJson(const CpuSet& cpus) { return cpus.ToVector(); }

Json ToJson(const CpuTopology& topology) {
  return {{"sockets", topology.sockets}, {"cores", topology.cores}, {"threads", topology.threads}};
}

Json ToJson(const HostNumaTopology& host) {
  Json json = {{"cells", Json::array()}};
  for (const auto& cell : host.cells) json["cells"].push_back(ToJson(cell));
  return json;
}

Json ToJson(const InstanceNumaTopology& instance) {
  Json json = {{"cells", Json::array()},
               {"emulator_threads_policy", WordOr(ToText(instance.emulator_threads_policy))}};
  for (const auto& cell : instance.cells) json["cells"].push_back(ToJson(cell));
  return json;
}

}  // namespace kilonova::hardware::testing
