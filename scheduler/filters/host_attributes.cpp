// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/host_attributes.h"

#include <array>

namespace kilonova::scheduler::filters {
namespace {

using Json = PyJson;
using core::Fleet;
using core::HostIndex;

model::Inventory InventoryOf(const Fleet& fleet, HostIndex host, std::string_view name) {
  const auto& inventories = fleet.Record(host).inventories;
  const auto found = inventories.find(name);
  return found == inventories.end() ? model::Inventory{} : found->second;
}

Json TextOrNone(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json Limits(const Fleet& /*fleet*/, HostIndex /*host*/) { return Json::object(); }
Json None(const Fleet& /*fleet*/, HostIndex /*host*/) { return {}; }

Json Instances(const Fleet& fleet, HostIndex host) {
  Json instances = Json::object();
  for (const auto& uuid : fleet.Record(host).instances) instances[uuid.str()] = Json::object();
  return instances;
}

Json Aggregates(const Fleet& fleet, HostIndex host) {
  Json list = Json::array();
  for (const auto& aggregate : fleet.aggregate_lists[fleet.aggregates[host]]) {
    list.push_back(aggregate.name);
  }
  return list;
}

Json Object(const Fleet& /*fleet*/, HostIndex /*host*/) { return Json::binary({}); }

Json Metrics(const Fleet& fleet, HostIndex host) {
  return fleet.Record(host).metrics.empty() ? Json::array() : Json::binary({});
}

Json Service(const Fleet& fleet, HostIndex host) {
  const auto& record = fleet.Record(host);
  Json service = Json::object();
  service["host"] = record.host;
  service["binary"] = "nova-compute";
  service["topic"] = "compute";
  service["disabled"] = (fleet.flags[host] & Fleet::kEnabled) == 0;
  service["disabled_reason"] = TextOrNone(record.disabled_reason);
  return service;
}

using Attribute = HostAttribute;

// Nova's HostState, attribute by attribute. None where this scheduler keeps nothing.
constexpr std::array kAttributes = {
    Attribute{"host", [](const Fleet& f, HostIndex h) { return Json(f.Record(h).host); }},
    Attribute{"nodename", [](const Fleet& f, HostIndex h) { return Json(f.Record(h).node); }},
    Attribute{"hypervisor_hostname",
              [](const Fleet& f, HostIndex h) { return Json(f.Record(h).node); }},
    Attribute{"uuid", [](const Fleet& f, HostIndex h) { return TextOrNone(f.Record(h).uuid); }},
    Attribute{"cell_uuid",
              [](const Fleet& f, HostIndex h) { return TextOrNone(f.texts[f.cell[h]]); }},
    Attribute{"host_ip",
              [](const Fleet& f, HostIndex h) { return TextOrNone(f.Record(h).host_ip); }},
    Attribute{
        "hypervisor_type",
        [](const Fleet& f, HostIndex h) { return Json(f.texts[f.Record(h).hypervisor_type]); }},
    Attribute{"hypervisor_version",
              [](const Fleet& f, HostIndex h) { return Json(f.Record(h).hypervisor_version); }},
    Attribute{"cpu_info",
              [](const Fleet& f, HostIndex h) { return Json(f.texts[f.Record(h).cpu_info]); }},
    Attribute{"total_usable_ram_mb",
              [](const Fleet& f, HostIndex h) {
                return Json(InventoryOf(f, h, model::kMemoryMb).total);
              }},
    Attribute{
        "total_usable_disk_gb",
        [](const Fleet& f, HostIndex h) { return Json(InventoryOf(f, h, model::kDiskGb).total); }},
    Attribute{"disk_mb_used",
              [](const Fleet& f, HostIndex h) {
                return Json(InventoryOf(f, h, model::kDiskGb).reserved * 1024);
              }},
    Attribute{"free_ram_mb",
              [](const Fleet& f, HostIndex h) { return Json(f.Numbers(h).free_ram_mb); }},
    Attribute{"free_disk_mb",
              [](const Fleet& f, HostIndex h) { return Json(f.Numbers(h).free_disk_mb); }},
    Attribute{"vcpus_total",
              [](const Fleet& f, HostIndex h) { return Json(f.Numbers(h).vcpus_total); }},
    Attribute{"vcpus_used",
              [](const Fleet& f, HostIndex h) { return Json(f.Numbers(h).vcpus_used); }},
    Attribute{"num_instances",
              [](const Fleet& f, HostIndex h) { return Json(f.Numbers(h).num_instances); }},
    Attribute{"num_io_ops",
              [](const Fleet& f, HostIndex h) { return Json(f.Numbers(h).num_io_ops); }},
    Attribute{"failed_builds",
              [](const Fleet& f, HostIndex h) { return Json(f.Numbers(h).failed_builds); }},
    Attribute{"cpu_allocation_ratio",
              [](const Fleet& f, HostIndex h) { return Json(f.Numbers(h).cpu_allocation_ratio); }},
    Attribute{
        "ram_allocation_ratio",
        [](const Fleet& f,
           HostIndex h) { return Json(InventoryOf(f, h, model::kMemoryMb).allocation_ratio); }},
    Attribute{"disk_allocation_ratio",
              [](const Fleet& f,
                 HostIndex h) { return Json(InventoryOf(f, h, model::kDiskGb).allocation_ratio); }},
    Attribute{"supported_instances",
              [](const Fleet& f, HostIndex h) { return Json(f.supported_lists[f.supported[h]]); }},
    Attribute{"stats",
              [](const Fleet& f, HostIndex h) { return Json(f.stat_maps[f.Record(h).stats]); }},
    Attribute{"aggregates", Aggregates},
    Attribute{"instances", Instances},
    Attribute{"limits", Limits},
    Attribute{"service", Service},
    Attribute{"metrics", Metrics},
    Attribute{"numa_topology", None},
    Attribute{"pci_stats", Object},
    Attribute{"update", Object},
    Attribute{"consume_from_request", Object},
    Attribute{"updated", None},
};

}  // namespace

const HostAttribute* FindHostAttribute(std::string_view name) {
  for (const auto& attribute : kAttributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

}  // namespace kilonova::scheduler::filters
