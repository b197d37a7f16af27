// SPDX-License-Identifier: Apache-2.0
// What every part of a description looks at, and the parts. Each fills its own members of Domain;
// they run in Nova's order (describe.cpp), so that of two faults the same one is named. Internal to
// agent/guest.
#pragma once

#include <string>

#include "agent/guest/config.h"
#include "agent/guest/disk_placement.h"
#include "agent/guest/domain.h"
#include "agent/guest/input.h"
#include "common/base/status.h"
#include "common/hardware/constraints.h"

namespace kilonova::agent::guest {

struct Context {
  const GuestConfig& config;
  const core::GuestCapabilities& host;
  const GuestInput& input;
  const DiskPlacement& disks;
  hardware::GuestNeeds needs;
  std::string arch;     // the guest's
  std::string machine;  // "" = QEMU's own default
  bool sev = false;     // memory is encrypted; known once memory is described
  std::string extra_spec(std::string_view name) const;  // "" = not set
  bool q35() const { return machine.find("q35") != std::string::npos; }
  bool x86() const { return arch == "x86_64" || arch == "i686"; }
};

// numa.cpp: where vcpus and memory are; CPU cells, pins, numatune.
Status DescribeNuma(const Context& context, Domain& domain);
// memory.cpp: what backs it; finds out whether it is encrypted.
Status DescribeMemory(Context& context, Domain& domain);
// cputune.cpp: shares, quota and period.
Status DescribeCpuQuota(const Context& context, Domain& domain);
// cpu.cpp: mode, model, features, topology.
Status DescribeCpu(const Context& context, Domain& domain);
// firmware.cpp: machine type, UEFI, secure boot, boot menu.
Status DescribeFirmware(const Context& context, Domain& domain);
// boot.cpp: SMBIOS, kernel or boot devices.
Status DescribeBoot(const Context& context, Domain& domain);
Status DescribeSmbios(const Context& context, Domain& domain);
// features.cpp: of the CPU and the board; timers.cpp: the clock.
Status DescribeFeatures(const Context& context, Domain& domain);
void DescribeClock(const Context& context, Domain& domain);
// disks.cpp
Status DescribeDisks(const Context& context, Domain& domain);
// vif.cpp
Status DescribeVifs(const Context& context, Domain& domain);
// serial.cpp, display.cpp, small_devices.cpp, hostdev.cpp, viommu.cpp
Status CheckSerialPorts(std::int64_t count);  // FLAVOR_INVALID for more than QEMU has
Status DescribeSerial(const Context& context, Domain& domain);
Status DescribeDisplay(const Context& context, Domain& domain);
void DescribeGuestAgent(const Context& context, Domain& domain);
Status DescribeRng(const Context& context, Domain& domain);
Status DescribeTpm(const Context& context, Domain& domain);
void DescribeControllers(const Context& context, Domain& domain);
Status DescribePciDevices(const Context& context, Domain& domain);
Status DescribeWatchdog(const Context& context, Domain& domain);
void DescribeBalloon(const Context& context, Domain& domain);
void DescribeMdevs(const Context& context, Domain& domain);
Status DescribeSev(const Context& context, Domain& domain);
void DescribeVpmems(const Context& context, Domain& domain);
Status DescribeViommu(const Context& context, Domain& domain);

}  // namespace kilonova::agent::guest
