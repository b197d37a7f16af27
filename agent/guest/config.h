// SPDX-License-Identifier: Apache-2.0
// What a host decides about all of its guests. The defaults are Nova's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/paths.h"

namespace kilonova::agent::guest {

struct GuestConfig {
  std::string host;   // this host's name: the owner tag of every domain
  core::Paths paths;  // where disks, kernels and console logs are

  std::string virt_type = "qemu";  // "kvm" or "qemu": HostFacts.virt_type
  std::string arch = "x86_64";     // HostFacts.arch
  std::string emulator;            // absolute path; "" = libvirt's choice
  std::string machine_type;        // when the image names none; "" = Nova's: "pc" on x86_64
  // "host-model", "host-passthrough", "maximum", "custom" (with cpu_model) or "none"; "" = Nova's
  // default, host-model.
  std::string cpu_mode, cpu_model;
  // "none" where the file system takes O_DIRECT, "writeback" where it does not: Nova's rule; the
  // caller has tried it once on the instances' directory.
  std::string disk_cache = "none";
  bool force_config_drive = false;
  bool lock_mac = true;  // libvirt's no-mac-spoofing filter on every NIC; needs libvirt's nwfilter
  int memory_stats_period = 10;  // seconds; 0 = no statistics

  // SMBIOS. cloud-init's ds-identify knows an OpenStack guest by the product name.
  std::string vendor = "OpenStack Foundation";
  std::string product = "OpenStack Nova";
  std::string package_version = "26.2.2";

  std::string default_availability_zone = "nova";  // written where none was asked for
  std::string dhcp_domain = "novalocal";           // after the hostname, as Nova does; "" = nothing
  std::string vendor_data = "{}";                  // JSON object, as vendor_data.json
  bool metadata_admin_pass = true;  // admin_pass in the config drive's meta_data.json
};

}  // namespace kilonova::agent::guest
