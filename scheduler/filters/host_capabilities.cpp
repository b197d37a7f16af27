// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/host_capabilities.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/base/python_text.h"

namespace kilonova::scheduler::filters {
namespace {

// Ordered, as Python's dict keeps the order of the text.
using Json = nlohmann::ordered_json;
using core::Fleet;
using core::HostIndex;

constexpr int kMostDepth = 64;  // of cpu_info; deeper counts as no JSON

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

struct Attribute {
  std::string_view name;
  Json (*get)(const Fleet&, HostIndex);
};

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
    Attribute{"free_ram_mb", [](const Fleet& f, HostIndex h) { return Json(f.free_ram_mb[h]); }},
    Attribute{"free_disk_mb", [](const Fleet& f, HostIndex h) { return Json(f.free_disk_mb[h]); }},
    Attribute{"vcpus_total", [](const Fleet& f, HostIndex h) { return Json(f.vcpus_total[h]); }},
    Attribute{"vcpus_used", [](const Fleet& f, HostIndex h) { return Json(f.vcpus_used[h]); }},
    Attribute{"num_instances",
              [](const Fleet& f, HostIndex h) { return Json(f.num_instances[h]); }},
    Attribute{"num_io_ops", [](const Fleet& f, HostIndex h) { return Json(f.num_io_ops[h]); }},
    Attribute{"failed_builds",
              [](const Fleet& f, HostIndex h) { return Json(f.failed_builds[h]); }},
    Attribute{"cpu_allocation_ratio",
              [](const Fleet& f, HostIndex h) { return Json(f.cpu_allocation_ratio[h]); }},
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
    Attribute{"metrics", None},
    Attribute{"numa_topology", None},
    Attribute{"pci_stats", None},
    Attribute{"updated", None},
};

const Attribute* FindAttribute(std::string_view name) {
  for (const auto& attribute : kAttributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

// The members numbers have in Python.
Json MemberOfNumber(const Json& number, std::string_view name) {
  const bool floating = number.is_number_float();
  if (name == "real") return floating ? number : Json(number.get<std::int64_t>());
  if (name == "imag") return floating ? Json(0.0) : Json(0);
  if (floating || number.is_boolean()) return {};
  if (name == "numerator") return number;
  return name == "denominator" ? Json(1) : Json();
}

Json Parse(const std::string& text) {
  const auto bound_depth = [](int depth, Json::parse_event_t, Json&) {
    return depth <= kMostDepth;
  };
  return Json::parse(text, bound_depth, /*allow_exceptions=*/false);
}

Json Step(Json value, const std::string& name) {
  if (value.is_string()) value = Parse(value.get_ref<const std::string&>());
  if (value.is_discarded()) return {};
  if (value.is_object()) {
    const auto found = value.find(name);
    return found == value.end() ? Json() : *found;
  }
  return value.is_number() || value.is_boolean() ? MemberOfNumber(value, name) : Json();
}

std::string Repr(const Json& value) {
  switch (value.type()) {
    case Json::value_t::string:
      return PyRepr(std::string_view(value.get_ref<const std::string&>()));
    case Json::value_t::boolean:
      return value.get<bool>() ? "True" : "False";
    case Json::value_t::number_integer:
      return std::to_string(value.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      return std::to_string(value.get<std::uint64_t>());
    case Json::value_t::number_float:
      return PyRepr(value.get<double>());
    case Json::value_t::array: {
      std::string text;
      for (const auto& item : value) text += (text.empty() ? "" : ", ") + Repr(item);
      return "[" + text + "]";
    }
    case Json::value_t::object: {
      std::string text;
      for (const auto& [key, item] : value.items()) {
        text +=
            (text.empty() ? "" : ", ") + PyRepr(std::string_view(key)) + ": " + Repr(item);
      }
      return "{" + text + "}";
    }
    default:
      return "None";
  }
}

}  // namespace

bool HasCapability(const Fleet& fleet, HostIndex host, const std::string& name) {
  return FindAttribute(name) != nullptr ||
         fleet.stat_maps[fleet.Record(host).stats].count(name) != 0;
}

std::optional<std::string> Capability(const Fleet& fleet, HostIndex host,
                                      const std::vector<std::string>& path) {
  Json value;
  const auto* attribute = FindAttribute(path.front());
  if (attribute != nullptr) value = attribute->get(fleet, host);
  if (value.is_null()) {
    const auto& stats = fleet.stat_maps[fleet.Record(host).stats];
    const auto found = stats.find(path.front());
    if (found != stats.end()) value = found->second;
  }
  for (std::size_t i = 1; i < path.size() && !value.is_null(); ++i) {
    value = Step(std::move(value), path[i]);
  }
  if (value.is_null()) return std::nullopt;
  return value.is_string() ? value.get<std::string>() : Repr(value);
}

}  // namespace kilonova::scheduler::filters
