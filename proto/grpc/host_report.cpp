// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/host_report.h"

#include <kilonova/v1/agent.pb.h>

#include <algorithm>
#include <cmath>

#include "common/model/bounds.h"
#include "proto/grpc/states.h"

namespace kilonova::grpc {
namespace {

Status Invalid(const std::string& field, const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, field + " " + message,
               {{"field", field}});
}

bool MoreThan(std::size_t most, int size) { return static_cast<std::size_t>(size) > most; }

bool IsResourceClass(const std::string& name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Expected<model::Inventory> InventoryFrom(const v1::Inventory& in) {
  model::Inventory out;
  out.total = in.total();
  out.reserved = in.reserved();
  out.min_unit = in.min_unit();
  out.max_unit = in.max_unit();
  out.step_size = in.step_size();
  out.allocation_ratio = in.allocation_ratio();
  const auto at_most = [](std::int64_t value, std::int64_t least) {
    return value >= least && value <= INT32_MAX;
  };
  if (!at_most(out.total, 0) || !at_most(out.reserved, 0) || !at_most(out.min_unit, 1) ||
      !at_most(out.max_unit, 1) || !at_most(out.step_size, 1) ||
      !std::isfinite(out.allocation_ratio) || out.allocation_ratio <= 0) {
    return Invalid("inventories." + in.resource_class(), "is out of bounds");
  }
  return out;
}

void CellToProto(const model::HostNumaCell& cell, v1::NumaCell* out) {
  out->set_id(cell.id);
  out->set_cpuset(cell.cpuset);
  out->set_pcpuset(cell.pcpuset);
  out->set_memory_mb(cell.memory_mb);
  out->set_cpu_usage(cell.cpu_usage);
  out->set_memory_usage_mb(cell.memory_usage_mb);
  out->set_pinned_cpus(cell.pinned_cpus);
  for (const std::string& core : cell.siblings) out->add_siblings(core);
  for (const model::HostNumaPages& pages : cell.pages) {
    auto* each = out->add_pages();
    each->set_size_kb(pages.size_kb);
    each->set_total(pages.total);
    each->set_used(pages.used);
    each->set_reserved(pages.reserved);
  }
  if (cell.socket) out->set_socket(*cell.socket);
}

model::HostNumaCell CellFrom(const v1::NumaCell& in) {
  model::HostNumaCell out;
  out.id = in.id();
  out.cpuset = in.cpuset();
  out.pcpuset = in.pcpuset();
  out.memory_mb = in.memory_mb();
  out.cpu_usage = in.cpu_usage();
  out.memory_usage_mb = in.memory_usage_mb();
  out.pinned_cpus = in.pinned_cpus();
  out.siblings.assign(in.siblings().begin(), in.siblings().end());
  for (const auto& pages : in.pages()) {
    out.pages.push_back({pages.size_kb(), pages.total(), pages.used(), pages.reserved()});
  }
  if (in.has_socket()) out.socket = in.socket();
  return out;
}

bool IsPciId(const std::string& text) {
  return text.size() == 4 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

Expected<model::PciPool> PoolFrom(const v1::PciPool& in) {
  if (!IsPciId(in.vendor_id()) || !IsPciId(in.product_id()) || in.count() < 0 ||
      in.count() > INT32_MAX || in.numa_node() < -1 || in.tags().size() > kMostStats) {
    return Invalid("pci_pools", "are out of bounds");
  }
  model::PciPool out{in.vendor_id(), in.product_id(), in.numa_node(), in.count(), {}};
  for (const auto& [name, value] : in.tags()) {
    if (name.empty() || name.size() > 255 || value.size() > 1024) {
      return Invalid("pci_pools", "hold a tag that is too long");
    }
    out.tags.emplace(name, value);
  }
  return out;
}

Status ReadInventories(const google::protobuf::RepeatedPtrField<v1::Inventory>& in,
                       model::Inventories& out) {
  for (const auto& inventory : in) {
    if (!IsResourceClass(inventory.resource_class())) {
      return Invalid("inventories", "name a resource class outside [A-Z0-9_]");
    }
    ASSIGN_OR_RETURN(const model::Inventory value, InventoryFrom(inventory));
    if (!out.emplace(inventory.resource_class(), value).second) {
      return Invalid("inventories." + inventory.resource_class(), "is given twice");
    }
  }
  return OkStatus();
}

// How they are nested is for the engine to judge.
Expected<model::NestedProvider> ProviderFrom(const v1::ResourceProvider& in) {
  if (in.name().empty() || in.name().size() > 200 || in.parent().size() > 200 ||
      in.name().find('@') != std::string::npos) {
    return Invalid("providers", "have names of 1 to 200 bytes without '@'");
  }
  if (in.inventories_size() > kMostInventories || in.traits_size() > kMostTraits) {
    return Invalid("providers." + in.name(), "has too many inventories or traits");
  }
  model::NestedProvider out;
  out.name = in.name();
  out.parent = in.parent();
  out.traits.assign(in.traits().begin(), in.traits().end());
  RETURN_IF_ERROR(ReadInventories(in.inventories(), out.inventories));
  return out;
}

}  // namespace

void ToProto(const model::NestedProvider& provider, v1::ResourceProvider* out) {
  out->set_name(provider.name);
  out->set_parent(provider.parent);
  for (const auto& [name, inventory] : provider.inventories) {
    ToProto(name, inventory, out->add_inventories());
  }
  for (const std::string& trait : provider.traits) out->add_traits(trait);
}

void ToProto(const std::string& resource_class, const model::Inventory& inventory,
             v1::Inventory* out) {
  out->set_resource_class(resource_class);
  out->set_total(inventory.total);
  out->set_reserved(inventory.reserved);
  out->set_allocation_ratio(inventory.allocation_ratio);
  out->set_min_unit(inventory.min_unit);
  out->set_max_unit(inventory.max_unit);
  out->set_step_size(inventory.step_size);
}

void ToProto(const model::HostInstance& instance, v1::HostInstance* out) {
  out->set_uuid(instance.uuid.str());
  out->set_generation(instance.generation);
  out->set_power_state(static_cast<v1::PowerState>(ToProto(instance.power_state)));
  out->set_building(instance.building);
  out->set_instance_id(instance.id);
  for (const auto& [network, address] : instance.addresses) {
    auto* to = out->add_addresses();
    to->set_network_id(network.str());
    to->set_address(address);
  }
}

void ToProto(const model::PciPool& pool, v1::PciPool* out) {
  out->set_vendor_id(pool.vendor_id);
  out->set_product_id(pool.product_id);
  out->set_numa_node(static_cast<std::int32_t>(pool.numa_node));
  out->set_count(pool.count);
  out->mutable_tags()->insert(pool.tags.begin(), pool.tags.end());
}

void ToProto(const model::HostReport& report, const std::vector<model::HostInstance>& instances,
             const std::map<std::string, std::int64_t>& counters, v1::HostReport* out) {
  out->set_hypervisor_hostname(report.hypervisor_hostname);
  out->set_hypervisor_type(report.hypervisor_type);
  out->set_hypervisor_version(report.hypervisor_version);
  out->set_libvirt_version(report.libvirt_version);
  out->set_virt_type(report.virt_type);
  out->set_cpu_arch(report.cpu_arch);
  out->set_cpu_model(report.cpu_model);
  out->set_cpu_vendor(report.cpu_vendor);
  out->set_cpu_info(report.cpu_info);
  for (const std::string& trait : report.traits) out->add_traits(trait);
  for (const auto& triple : report.supported_instances) {
    if (triple.size() != 3) continue;
    auto* supported = out->add_supported_instances();
    supported->set_arch(triple[0]);
    supported->set_hv_type(triple[1]);
    supported->set_vm_mode(triple[2]);
  }
  for (const auto& [name, inventory] : report.inventories) {
    ToProto(name, inventory, out->add_inventories());
  }
  out->set_running_instances(report.running_instances);
  out->set_free_disk_gb(report.free_disk_gb);
  out->set_free_memory_mb(report.free_memory_mb);
  out->set_availability_zone(report.availability_zone);
  for (const std::string& why : report.degraded) out->add_degraded(why);
  for (const model::HostInstance& instance : instances) ToProto(instance, out->add_instances());
  for (const model::HostNumaCell& cell : report.numa_cells)
    CellToProto(cell, out->add_numa_cells());
  for (const auto& [name, value] : counters) (*out->mutable_counters())[name] = value;
  out->mutable_stats()->insert(report.stats.begin(), report.stats.end());
  for (const model::PciPool& pool : report.pci_pools) ToProto(pool, out->add_pci_pools());
  for (const model::NestedProvider& provider : report.nested) {
    ToProto(provider, out->add_providers());
  }
}

Expected<model::HostReport> FromProto(const std::string& host, const v1::HostReport& report) {
  if (report.inventories_size() > kMostInventories) return Invalid("inventories", "are too many");
  if (report.traits_size() > kMostTraits) return Invalid("traits", "are too many");
  if (report.supported_instances_size() > kMostTraits || report.degraded_size() > kMostTraits) {
    return Invalid("supported_instances", "are too many");
  }
  if (report.stats().size() > kMostStats) return Invalid("stats", "are too many");
  if (report.providers_size() > kMostProviders) return Invalid("providers", "are too many");
  if (report.pci_pools_size() > kMostPciPools) return Invalid("pci_pools", "are too many");
  model::HostReport out;
  out.host = host;
  out.hypervisor_hostname = report.hypervisor_hostname();
  out.hypervisor_type = report.hypervisor_type();
  out.hypervisor_version = report.hypervisor_version();
  out.libvirt_version = report.libvirt_version();
  out.virt_type = report.virt_type();
  out.cpu_arch = report.cpu_arch();
  out.cpu_model = report.cpu_model();
  out.cpu_vendor = report.cpu_vendor();
  out.cpu_info = report.cpu_info();
  out.traits.assign(report.traits().begin(), report.traits().end());
  for (const auto& supported : report.supported_instances()) {
    out.supported_instances.push_back({supported.arch(), supported.hv_type(), supported.vm_mode()});
  }
  RETURN_IF_ERROR(ReadInventories(report.inventories(), out.inventories));
  out.running_instances = report.running_instances();
  out.free_disk_gb = report.free_disk_gb();
  out.free_memory_mb = report.free_memory_mb();
  out.availability_zone = report.availability_zone();
  if (MoreThan(model::kMostHostCells, report.numa_cells_size()))
    return Invalid("numa_cells", "are too many");
  for (const auto& cell : report.numa_cells()) {
    if (MoreThan(model::kMostHostCores, cell.siblings_size()) ||
        MoreThan(model::kMostPageSizes, cell.pages_size())) {
      return Invalid("numa_cells", "have too many siblings or page sizes");
    }
    out.numa_cells.push_back(CellFrom(cell));
  }
  out.degraded.assign(report.degraded().begin(), report.degraded().end());
  for (const auto& [name, value] : report.stats()) {
    if (name.empty() || name.size() > 255 || value.size() > 1024) {
      return Invalid("stats", "hold a key or a value that is too long");
    }
    out.stats.emplace(name, value);
  }
  for (const auto& pool : report.pci_pools()) {
    ASSIGN_OR_RETURN(out.pci_pools.emplace_back(), PoolFrom(pool));
  }
  for (const auto& provider : report.providers()) {
    ASSIGN_OR_RETURN(out.nested.emplace_back(), ProviderFrom(provider));
  }
  return out;
}

Expected<model::HostInstance> FromProto(const v1::HostInstance& instance) {
  model::HostInstance out;
  ASSIGN_OR_RETURN(out.uuid, Uuid::Parse(instance.uuid()));
  ASSIGN_OR_RETURN(out.power_state, PowerStateFromProto(instance.power_state()));
  out.generation = instance.generation();
  out.building = instance.building();
  if (instance.instance_id() < 0 || instance.instance_id() > INT32_MAX) {
    return Invalid("instances.instance_id", "is out of bounds");
  }
  out.id = instance.instance_id();
  if (instance.addresses_size() > kMostAddresses) {
    return Invalid("instances.addresses", "are too many");
  }
  for (const auto& address : instance.addresses()) {
    ASSIGN_OR_RETURN(auto network, Uuid::Parse(address.network_id()));
    if (address.address().size() > 45) return Invalid("instances.addresses", "are no addresses");
    out.addresses.emplace_back(std::move(network), address.address());
  }
  return out;
}

Expected<std::vector<model::HostInstance>> InstancesFromProto(const v1::HostReport& report) {
  if (report.instances_size() > kMostHostInstances) return Invalid("instances", "are too many");
  std::vector<model::HostInstance> out;
  out.reserve(static_cast<std::size_t>(report.instances_size()));
  for (const auto& instance : report.instances()) {
    ASSIGN_OR_RETURN(auto one, FromProto(instance));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace kilonova::grpc
