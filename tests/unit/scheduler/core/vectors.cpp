// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/scheduler/core/vectors.h"

#include <cmath>
#include <set>

namespace kilonova::scheduler::core::testing {
namespace {

Json Merged(Json base, const Json& over, const std::set<std::string>& deep) {
  for (const auto& [key, value] : over.items()) {
    if (deep.contains(key) && base[key].is_object() && value.is_object()) {
      base[key].update(value);
    } else {
      base[key] = value;
    }
  }
  return base;
}

model::Inventory InventoryOf(std::int64_t total, std::int64_t gone, double ratio) {
  model::Inventory inventory;
  inventory.total = total;
  inventory.reserved = gone;
  inventory.allocation_ratio = ratio;
  return inventory;
}

bool IsUp(const Json& service, const Json& config) {
  const auto age = service.at("last_seen_up_age_s").get<double>();
  const auto limit = Option(config, "DEFAULT.service_down_time", 60).get<double>();
  return !service.value("forced_down", false) && std::fabs(age) <= limit;
}

std::string TextOr(const Json& value, const std::string& fallback) {
  return value.is_string() ? value.get<std::string>() : fallback;
}

// Nova keeps fractions of CPU time on the wire and percent in memory.
double MetricValue(const Json& metric) {
  static const std::set<std::string> percent = {"cpu.percent", "cpu.user.percent",
                                                "cpu.kernel.percent", "cpu.idle.percent",
                                                "cpu.iowait.percent"};
  const bool scaled = percent.contains(metric.at("name").get<std::string>());
  return metric.at("value").get<double>() * (scaled ? 100 : 1);
}

InstanceGroup GroupFrom(const Json& json) {
  InstanceGroup group;
  group.uuid = Uuid::Parse(json.at("uuid").get<std::string>()).value();
  group.policy = TextOr(json.at("policy"), "");
  const Json rules = json.value("rules", Json::object());
  if (rules.contains("max_server_per_host")) {
    group.max_server_per_host = rules.at("max_server_per_host").get<std::int64_t>();
  }
  for (const auto& member : json.at("members")) {
    group.members.push_back(Uuid::Parse(member.get<std::string>()).value());
  }
  group.hosts = json.at("hosts").get<std::vector<std::string>>();
  return group;
}

RequestedDestination DestinationFrom(const Json& json) {
  RequestedDestination destination;
  destination.host = TextOr(json.value("host", Json()), "");
  destination.node = TextOr(json.value("node", Json()), "");
  destination.cell = TextOr(json.value("cell", Json()), "");
  destination.allow_cross_cell_move = json.value("allow_cross_cell_move", false);
  return destination;
}

}  // namespace

Json Option(const Json& config, const std::string& name, Json fallback) {
  return config.contains(name) ? config.at(name) : fallback;
}

HostState HostFrom(const Json& file, const Json& host, const Json& config) {
  const Json h = Merged(file.at("host_defaults"), host, {"service"});
  HostState state;
  state.host = h.at("host");
  state.node = h.at("node");
  state.uuid = h.at("uuid");
  state.cell = h.at("cell_uuid");
  state.up = IsUp(h.at("service"), config);
  state.enabled = !h.at("service").at("disabled").get<bool>();
  state.disabled_reason = TextOr(h.at("service").value("disabled_reason", Json()), "");
  for (const auto& aggregate : h.at("aggregates")) {
    state.aggregates.push_back(
        {aggregate.at("id"), aggregate.at("name"), aggregate.at("metadata")});
  }
  const std::int64_t memory = h.at("memory_mb");
  const std::int64_t disk = h.at("local_gb");
  state.inventories["MEMORY_MB"] = InventoryOf(
      memory, memory - h.at("free_ram_mb").get<std::int64_t>(), h.at("ram_allocation_ratio"));
  state.inventories["DISK_GB"] = InventoryOf(disk, disk - h.at("free_disk_gb").get<std::int64_t>(),
                                             h.at("disk_allocation_ratio"));
  state.inventories["VCPU"] =
      InventoryOf(h.at("vcpus"), h.at("vcpus_used"), h.at("cpu_allocation_ratio"));
  if (!h.at("disk_available_least").is_null()) {
    state.disk_available_least = h.at("disk_available_least").get<std::int64_t>();
  }
  state.hypervisor_type = h.at("hypervisor_type");
  state.hypervisor_version = h.at("hypervisor_version");
  state.host_ip = TextOr(h.at("host_ip"), "");
  state.cpu_info = h.at("cpu_info");
  state.supported_instances = h.at("supported_hv_specs");
  for (const auto& [name, value] : h.at("stats").items()) {
    state.stats[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  if (h.at("numa_topology").is_object()) {
    state.numa_topology = hardware::testing::HostFrom(h.at("numa_topology"));
  }
  state.pci_device_pools = hardware::testing::PoolsFrom(h.at("pci_device_pools"));
  for (const auto& metric : h.at("metrics")) {
    state.metrics[metric.at("name")] = MetricValue(metric);
  }
  for (const auto& instance : h.at("instances")) {
    state.instances.push_back(Uuid::Parse(instance.get<std::string>()).value());
  }
  return state;
}

PlacementRequest RequestFrom(const Json& file, const Json& spec) {
  Json s = Merged(file.at("spec_defaults"), spec, {"flavor", "image"});
  PlacementRequest request;
  const Json& flavor = s.at("flavor");
  request.flavor.flavorid = flavor.at("flavorid");
  request.flavor.name = flavor.at("name");
  request.flavor.vcpus = flavor.at("vcpus");
  request.flavor.memory_mb = flavor.at("memory_mb");
  request.flavor.root_gb = flavor.at("root_gb");
  request.flavor.ephemeral_gb = flavor.at("ephemeral_gb");
  request.flavor.swap_mb = flavor.at("swap");
  request.flavor.extra_specs = flavor.at("extra_specs").get<model::ExtraSpecs>();
  if (s.at("image").is_object() && s.at("image").contains("properties")) {
    for (const auto& [key, value] : s.at("image").at("properties").items()) {
      request.image_properties[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  request.availability_zone = TextOr(s.at("availability_zone"), "");
  request.hints = s.at("scheduler_hints").get<Hints>();
  // The one hint that is none: Nova's own callers set it.
  if (const auto check = request.hints.extract("_nova_check_type"); !check.empty()) {
    request.check_type = check.mapped() == std::vector<std::string>{"rebuild"} ? CheckType::kRebuild
                                                                               : CheckType::kOther;
  }
  request.ignore_hosts = s.at("ignore_hosts").get<std::vector<std::string>>();
  if (!s.at("force_hosts").empty()) request.forced_host = s.at("force_hosts").at(0);
  if (!s.at("force_nodes").empty()) request.forced_node = s.at("force_nodes").at(0);
  request.project_id = TextOr(s.at("project_id"), "");
  if (s.at("image").is_object()) request.image_id = TextOr(s.at("image").value("id", Json()), "");
  if (s.at("instance_group").is_object()) request.instance_group = GroupFrom(s["instance_group"]);
  request.pci_requests = hardware::testing::RequestsFrom(s.at("pci_requests"));
  if (const Json& numa = s.at("numa_topology"); numa.is_object()) {
    request.numa_topology = hardware::testing::InstanceFrom(numa);
  }
  if (s.at("network_metadata").is_object()) {
    request.network_metadata = hardware::testing::NetworksFrom(s.at("network_metadata"));
  }
  if (s.at("requested_destination").is_object()) {
    request.requested_destination = DestinationFrom(s["requested_destination"]);
  }
  request.instances.push_back(Uuid::Parse(s.at("instance_uuid").get<std::string>()).value());
  return request;
}

filters::FilterOptions FilterOptionsFrom(const Json& config) {
  filters::FilterOptions options;
  const auto read = [&config](const std::string& name, auto& value) {
    const auto found = config.find(name);
    if (found != config.end() && !found->is_null()) found->get_to(value);
  };
  read("DEFAULT.default_availability_zone", options.default_availability_zone);
  const auto filter_option = [&read](const std::string& name, auto& value) {
    read("filter_scheduler." + name, value);
  };
  filter_option("image_properties_default_architecture",
                options.image_properties_default_architecture);
  filter_option("max_io_ops_per_host", options.max_io_ops_per_host);
  filter_option("max_instances_per_host", options.max_instances_per_host);
  filter_option("isolated_images", options.isolated_images);
  filter_option("isolated_hosts", options.isolated_hosts);
  filter_option("restrict_isolated_hosts_to_isolated_images",
                options.restrict_isolated_hosts_to_isolated_images);
  filter_option("aggregate_image_properties_isolation_namespace",
                options.aggregate_image_properties_isolation_namespace);
  filter_option("aggregate_image_properties_isolation_separator",
                options.aggregate_image_properties_isolation_separator);
  read("metrics.weight_setting", options.metrics_weight_setting);
  return options;
}

weighers::WeigherOptions WeigherOptionsFrom(const Json& config) {
  weighers::WeigherOptions options;
  for (const auto& [key, value] : config.items()) {
    if (key == "metrics.weight_multiplier") {
      options.multipliers["metrics_weight_multiplier"] = NumberFrom(value);
    } else if (key == "metrics.weight_setting") {
      value.get_to(options.metrics_weight_setting);
    } else if (key == "metrics.required") {
      value.get_to(options.metrics_required);
    } else if (key == "metrics.weight_of_unavailable") {
      options.metrics_weight_of_unavailable = NumberFrom(value);
    } else if (key.ends_with("_weight_multiplier")) {
      options.multipliers[key.substr(key.find('.') + 1)] = NumberFrom(value);
    }
  }
  return options;
}

double NumberFrom(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  return std::strtod(value.get<std::string>().c_str(), nullptr);
}

bool Same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace kilonova::scheduler::core::testing
