// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/report_pack.h"

#include <utility>

#include "scheduler/adapters/store/instance_pack.h"
#include "scheduler/adapters/store/pack.h"

namespace kilonova {
namespace model {

// The numbers are forever.
template <class Pack>
void Fields(Pack& pack, Inventory& i) {
  pack(1, i.total)(2, i.reserved)(3, i.min_unit)(4, i.max_unit)(5, i.step_size);
  pack(6, i.allocation_ratio);
}
template <class Pack>
void Fields(Pack& pack, PciPool& p) {
  pack(1, p.vendor_id)(2, p.product_id)(3, p.numa_node)(4, p.count)(5, p.tags);
}
template <class Pack>
void Fields(Pack& pack, NestedProvider& p) {
  pack(1, p.name)(2, p.parent)(3, p.inventories)(4, p.traits);
}
// All but supported_instances, which is 12.
template <class Pack>
void Fields(Pack& pack, HostReport& r) {
  pack(1, r.host)(2, r.hypervisor_hostname)(3, r.hypervisor_type)(4, r.hypervisor_version);
  pack(5, r.libvirt_version)(6, r.virt_type)(7, r.cpu_arch)(8, r.cpu_model)(9, r.cpu_vendor);
  pack(10, r.cpu_info)(11, r.traits)(13, r.inventories)(14, r.running_instances);
  pack(15, r.free_disk_gb)(16, r.free_memory_mb)(17, r.availability_zone)(18, r.degraded);
  pack(19, r.stats)(20, r.pci_pools)(21, r.nested);
}

}  // namespace model

namespace scheduler::core {

template <class Pack>
void Fields(Pack& pack, SharingProviderRecord& p) {
  pack(1, p.name)(2, p.inventories)(3, p.traits)(4, p.aggregates)(5, p.created_at);
}

}  // namespace scheduler::core

namespace scheduler::adapters {
namespace {

// Of a kind of hosts.
constexpr PackNumber kCpuInfo = 10, kTraits = 11, kSupported = 12;
struct Words {
  std::vector<std::string> words;
};
template <class Pack>
void Fields(Pack& pack, Words& w) {
  pack(1, w.words);
}

}  // namespace

std::string PackProvider(const core::SharingProviderRecord& provider) {
  PackOut out;
  Fields(out, const_cast<core::SharingProviderRecord&>(provider));
  return kPackMark + out.Take();
}

core::SharingProviderRecord UnpackProvider(std::string_view bytes) {
  core::SharingProviderRecord provider;
  for (PackIn in(bytes); in.Next();) Fields(in, provider);
  return provider;
}

std::string PackReport(const model::HostReport& report) {
  PackOut out;
  // The list of fields serves readers too; writing changes nothing.
  Fields(out, const_cast<model::HostReport&>(report));
  for (const auto& triple : report.supported_instances) {
    Words words{triple};
    out(kSupported, words);
  }
  return kPackMark + out.Take();
}

model::HostReport UnpackReport(std::string_view bytes) {
  model::HostReport report;
  for (PackIn in(bytes); in.Next();) {
    if (in.field() == kSupported) {
      Words words;
      PackIn::Read(in.Bytes(), words);
      report.supported_instances.push_back(std::move(words.words));
    } else {
      Fields(in, report);
    }
  }
  return report;
}

model::HostReport ReportUnpacker::Unpack(std::string_view bytes, core::HostKindPtr& kind) {
  model::HostReport report;
  key_.clear();
  for (PackIn in(bytes); in.Next();) {
    if (in.field() != kCpuInfo && in.field() != kTraits && in.field() != kSupported) {
      Fields(in, report);
      continue;
    }
    const std::string_view part = in.Bytes();
    const std::size_t size = part.size();
    key_ += static_cast<char>(in.field());
    key_.append(reinterpret_cast<const char*>(&size), sizeof size);
    key_ += part;
  }
  if (const auto known = kinds_.find(key_); known != kinds_.end()) {
    kind = known->second;
    return report;
  }
  model::HostReport whole = UnpackReport(bytes);
  kind = core::HostKinds::Taken(whole);
  if (kinds_.size() >= kMostKinds) kinds_.clear();
  kinds_.emplace(key_, kind);
  return report;
}

}  // namespace scheduler::adapters
}  // namespace kilonova
