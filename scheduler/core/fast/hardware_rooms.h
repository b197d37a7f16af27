// SPDX-License-Identifier: Apache-2.0
// What hosts have free of NUMA cells and PCI devices as plain numbers, so that a search passes over
// hosts, and whole boxes of them, that cannot have what a request asks for. Necessary conditions
// alone: of those left the filters still decide.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/hardware/pci_stats.h"
#include "scheduler/core/fast/passing.h"
#include "scheduler/core/host_hardware.h"
#include "scheduler/core/placement.h"

namespace kilonova::scheduler::core::fast {

// Which filters judge a request.
struct HardwareJudges {
  bool cells = false;    // the NUMATopologyFilter
  bool devices = false;  // the PciPassthroughFilter
};

// Rows a fleet has no use for, it has not: those of cells come with the first host that has some,
// one of devices with each kind of them, a kind being a vendor and a product. They never go.
class HardwareRooms {
 public:
  static constexpr std::size_t kCellRows = 5;
  static constexpr std::size_t kMostDeviceRows = 6;  // the last is of all further kinds
  static constexpr std::size_t kMostRows = kCellRows + kMostDeviceRows;

  std::size_t Rows() const { return CellRows() + DeviceRows(); }
  // Whether any host had hardware. While none had, claims change none.
  bool Any() const { return any_; }
  // Takes in what kinds a host has; null: no hardware. True when there are more rows now, and their
  // order is another.
  bool Learn(const HostHardware* hardware);
  // The rows of one host whose kinds are learnt.
  void Read(const HostHardware* hardware, std::span<std::int32_t> rooms) const;
  // Adds what a host must have of these rows, which stand from `first` on, to be passed by those
  // filters. False when none of the hosts so far can be.
  bool AddNeeds(const PlacementRequest& request, HardwareJudges judges, std::size_t first,
                std::vector<Need>& needs) const;

 private:
  struct Kind {
    bool any = false;  // tags hide what it is
    std::string vendor_id, product_id;
    friend bool operator==(const Kind&, const Kind&) = default;
  };
  static constexpr std::size_t kMostKinds = 64;

  static Kind KindOf(const hardware::PciDevicePool& pool);
  static bool MayMatch(const Kind& kind, const std::vector<hardware::PciSpec>& spec);
  std::size_t CellRows() const { return cells_ ? kCellRows : 0; }
  std::size_t DeviceRows() const { return std::min(kinds_.size(), kMostDeviceRows); }
  std::size_t RowOf(const hardware::PciDevicePool& pool) const;
  std::uint32_t RowsOf(const hardware::PciRequest& request) const;  // a bit each
  bool AddCellNeeds(const hardware::InstanceNumaTopology& guest, std::size_t first,
                    std::vector<Need>& needs) const;
  bool AddDeviceNeeds(const std::vector<hardware::PciRequest>& requests, std::size_t first,
                      std::vector<Need>& needs) const;

  bool any_ = false, cells_ = false;
  std::vector<Kind> kinds_;
  bool more_kinds_ = false;  // than are kept
};

}  // namespace kilonova::scheduler::core::fast
