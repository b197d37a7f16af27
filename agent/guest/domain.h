// SPDX-License-Identifier: Apache-2.0
// A guest as libvirt is asked for it: the typed description between a request and its XML.
//
//   ASSIGN_OR_RETURN(auto disks, PlaceDisks(config, input));     // Nova's get_disk_info
//   ASSIGN_OR_RETURN(auto domain, DescribeGuest(config, host, input, disks));
//   ASSIGN_OR_RETURN(auto xml, DomainXml(domain));
//
// Pure: the same inputs give the same bytes, so a domain can be made again from the journal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/hypervisor.h"
#include "agent/guest/devices.h"
#include "common/hardware/cpu_set.h"
#include "common/hardware/topology.h"
#include "common/model/requests.h"

namespace kilonova::agent::guest {

using hardware::CpuSet;

struct MemoryPages {
  std::int64_t size_kib = 0;
  std::int64_t cell = 0;  // of the guest
};

struct MemoryBacking {
  std::vector<MemoryPages> hugepages;
  bool nosharepages = false, locked = false;
  bool file = false;  // in a shared file, allocated at once, discarded at the end
};

struct MemNode {
  std::int64_t cell = 0, host_cell = 0;
};

struct NumaTune {
  std::vector<std::int64_t> host_cells;
  std::vector<MemNode> nodes;
};

struct VcpuPin {
  hardware::CpuId vcpu = 0;
  CpuSet cpus;
};

struct VcpuSched {
  CpuSet vcpus;
  int priority = 1;  // SCHED_FIFO's
};

struct CpuTune {
  std::optional<std::int64_t> shares, quota, period;
  std::optional<CpuSet> emulator;
  std::vector<VcpuPin> pins;  // sorted by vcpu
  std::optional<VcpuSched> realtime;
};

struct CpuFeature {
  std::string name, policy;  // "require" or "disable"
};

struct CpuCell {
  std::int64_t id = 0;
  CpuSet cpus;
  std::int64_t memory_kib = 0;
  bool shared = false;
};

struct Cpu {
  std::string mode, model;  // mode "" = no such attribute
  hardware::CpuTopology topology;
  std::vector<CpuFeature> features;  // sorted by name
  std::vector<CpuCell> cells;
};

struct Boot {
  std::string arch, machine;
  std::string type = "hvm";
  std::string kernel, initrd;
  std::optional<std::string> cmdline;
  std::string loader, nvram_template;  // UEFI
  bool secure = false;
  std::vector<std::string> devices;  // "hd", "cdrom"
  bool smbios = false, menu = false;
};

struct Smbios {
  std::string manufacturer, product, version, serial, uuid;
};

struct Features {
  bool smm = false, acpi = true, apic = true, vmcoreinfo = true;
  bool hyperv = false, hyperv_vendor_id = false;
  bool kvm_hidden = false;
  std::optional<bool> pmu;  // empty: libvirt's choice
  bool ioapic = false;
};

struct Timer {
  std::string name, tickpolicy;
  std::optional<bool> present;
};

struct Clock {
  std::string offset = "utc";
  std::vector<Timer> timers;
};

struct NovaPortIp {
  std::string type, address;
  int version = 4;
};

struct NovaPort {
  std::string id;
  std::vector<NovaPortIp> ips;
};

// <nova:instance>: what other tools of an OpenStack host read.
struct NovaMetadata {
  std::string package_version;
  Uuid image_id;
  std::vector<NovaPort> ports;
};

struct Domain {
  model::InstanceSpec instance;
  model::Flavor flavor;
  std::string virt_type;
  std::string name;  // instance-0000002a
  std::int64_t memory_kib = 0;
  std::optional<std::int64_t> max_memory_kib;  // with memory_slots
  std::int64_t memory_slots = 0;
  std::optional<MemoryBacking> memory_backing;
  std::optional<NumaTune> numa_tune;
  std::optional<CpuSet> cpuset;  // where vcpus may float
  NovaMetadata nova;
  std::optional<core::OwnerTag> owner;
  std::optional<Smbios> smbios;
  Boot boot;
  Features features;
  std::optional<CpuTune> cpu_tune;
  Clock clock;
  Cpu cpu;
  std::string emulator;
  std::vector<Device> devices;
  std::vector<std::string> perf_events;
  std::optional<core::SevCapability> sev;
};

// "instance-%08x".
std::string DomainName(std::int64_t instance_id);
// The tap's name of a port.
std::string TapName(const Uuid& port_id);

// Domain XML, UTF-8. Text from users is escaped by the writer; control characters that XML cannot
// hold and invalid UTF-8 in display texts become U+FFFD, in anything else INVALID_ARGUMENT.
Expected<std::string> DomainXml(const Domain& domain);

}  // namespace kilonova::agent::guest
