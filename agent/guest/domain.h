// SPDX-License-Identifier: Apache-2.0
// A guest as libvirt is asked for it: the typed description between a request and its XML.
//
//   ASSIGN_OR_RETURN(auto domain, DescribeGuest(config, request, base));
//   ASSIGN_OR_RETURN(auto xml, DomainXml(domain));
//   hypervisor.Define(xml);
//
// Pure: the same inputs give the same bytes, so a domain can be made again from the journal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/hypervisor.h"
#include "agent/core/image_store.h"
#include "agent/guest/config.h"
#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::guest {

struct DiskDevice {
  std::string device = "disk";  // "disk" or "cdrom"
  std::string path, format;     // never empty: QEMU probes nothing
  std::string cache;
  std::string target, bus;  // "vda" on "virtio"
  bool read_only = false;
  std::optional<core::CachedImage> base;  // of an overlay; the chain ends there
};

struct NicDevice {
  model::NicRequest nic;
  std::string model = "virtio";
  std::string tap;     // "tap" + port_id[0:11]
  std::string filter;  // libvirt nwfilter; "" = none
};

struct CpuTopology {
  std::int64_t sockets = 1, cores = 1, threads = 1;
};

struct Domain {
  // Identity and the metadata elements.
  model::InstanceSpec instance;
  model::Flavor flavor;
  Uuid image_id;
  core::OwnerTag owner;
  std::string name;  // instance-0000002a
  std::string package_version, vendor, product;

  std::string virt_type, arch, machine, emulator;
  std::string cpu_mode, cpu_model;  // mode "" = no <cpu mode>
  CpuTopology topology;
  std::string kernel, ramdisk, cmdline;  // direct kernel boot; "" = none
  bool kvm_timers = false, hpet = false;
  bool boot_menu = false;
  bool hide_kvm = false;
  std::optional<bool> pmu;  // empty: libvirt's choice

  std::vector<DiskDevice> disks;  // the root disk first
  std::vector<NicDevice> nics;
  std::string console_log;
  bool rng = false;
  std::int64_t rng_bytes = 0, rng_period_ms = 0;  // both or no limit
  int memory_stats_period = 0;
};

// "instance-%08x".
std::string DomainName(std::int64_t instance_id);
// The tap's name of a port.
std::string TapName(const Uuid& port_id);

// Runs CheckServed first. `base` is the cached image under the root disk. FEATURE_NOT_SERVED,
// IMAGE_INVALID, FLAVOR_INVALID or INVALID_ARGUMENT.
Expected<Domain> DescribeGuest(const GuestConfig& config, const model::BuildRequest& request,
                               const core::CachedImage& base);

// Domain XML, UTF-8. Text from users is escaped by the writer; control characters that XML cannot
// hold and invalid UTF-8 in display texts become U+FFFD, in anything else INVALID_ARGUMENT.
Expected<std::string> DomainXml(const Domain& domain);

}  // namespace kilonova::agent::guest
