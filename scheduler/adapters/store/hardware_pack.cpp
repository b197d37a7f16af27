// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/hardware_pack.h"

#include "scheduler/adapters/store/pack.h"

namespace kilonova {
namespace hardware {

// Sets of CPUs are Nova's text.
template <class Pack>
void Cpus(Pack& pack, scheduler::adapters::PackNumber field, CpuSet& cpus) {
  if constexpr (Pack::kReads) {
    if (pack.field() != field) return;
    auto read = ParseCpuSpec(pack.Bytes());
    if (!read.ok()) throw std::invalid_argument("not a set of CPUs");
    cpus = *std::move(read);
  } else {
    if (!cpus.Empty()) pack(field, FormatCpuSpec(cpus));
  }
}

template <class Pack, class Enum>
void Number(Pack& pack, scheduler::adapters::PackNumber field, Enum& value, Enum last) {
  auto number = static_cast<std::int64_t>(value);
  pack(field, number);
  if (number < 0 || number > static_cast<std::int64_t>(last)) {
    throw std::invalid_argument("no such policy");
  }
  value = static_cast<Enum>(number);
}

template <class Pack>
void Fields(Pack& pack, CpuTopology& t) {
  pack(1, t.sockets)(2, t.cores)(3, t.threads);
}
template <class Pack>
void Fields(Pack& pack, InstanceNumaCell& c) {
  pack(1, c.id)(4, c.memory)(5, c.pagesize)(8, c.cpu_pinning)(10, c.cpu_topology);
  Cpus(pack, 2, c.cpuset);
  Cpus(pack, 3, c.pcpuset);
  Cpus(pack, 9, c.cpuset_reserved);
  Number(pack, 6, c.cpu_policy, CpuPolicy::kMixed);
  Number(pack, 7, c.cpu_thread_policy, CpuThreadPolicy::kRequire);
}
template <class Pack>
void Fields(Pack& pack, InstanceNumaTopology& t) {
  pack(1, t.cells);
  Number(pack, 2, t.emulator_threads_policy, EmulatorThreadsPolicy::kIsolate);
}

// One of the alternatives of a request.
struct Spec {
  PciSpec values;
};
template <class Pack>
void Fields(Pack& pack, Spec& s) {
  pack(1, s.values);
}
template <class Pack>
void Fields(Pack& pack, PciRequest& r) {
  pack(1, r.count)(3, r.alias_name)(4, r.request_id);
  Number(pack, 5, r.numa_policy, PciNumaPolicy::kSocket);
  if constexpr (Pack::kReads) {
    if (pack.field() != 2) return;
    Spec spec;
    pack(2, spec);
    r.spec.push_back(std::move(spec.values));
  } else {
    for (const PciSpec& values : r.spec) {
      Spec spec{values};
      pack(2, spec);
    }
  }
}
template <class Pack>
void Fields(Pack& pack, PciDevicePool& p) {
  pack(1, p.vendor_id)(2, p.product_id)(3, p.numa_node)(4, p.count)(5, p.tags);
}

}  // namespace hardware

namespace scheduler::core {

// All but `measured`, which a start decides anew.
template <class Pack>
void Fields(Pack& pack, HardwareUse& u) {
  pack(1, u.numa)(2, u.requests)(3, u.devices);
}

}  // namespace scheduler::core

namespace scheduler::adapters {

std::string PackHardware(const core::HardwareUse& use) {
  PackOut out;
  // The list of fields serves readers too; writing changes nothing.
  Fields(out, const_cast<core::HardwareUse&>(use));
  return out.Take();
}

core::HardwareUse UnpackHardware(std::string_view bytes) {
  core::HardwareUse use;
  PackIn::Read(bytes, use);
  return use;
}

}  // namespace scheduler::adapters
}  // namespace kilonova
