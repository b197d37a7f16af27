// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/hardware_rooms.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace kilonova::scheduler::core::fast {
namespace {

constexpr std::int64_t kMostRoom = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kKibPerMib = 1024;

// The most any one cell of the host has.
enum CellRow : std::size_t {
  kPinnable,   // CPUs that are free to pin
  kMemory,     // MiB
  kPages2Mib,  // MiB free in pages of that size
  kPages1Gib,
  kPagesLarge,  // MiB free in pages of one size that is not the smallest
};

std::int32_t Clamped(std::int64_t amount) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(amount, 0, kMostRoom));
}

void Raise(std::int32_t& room, std::int64_t amount) { room = std::max(room, Clamped(amount)); }

void ReadPages(const hardware::HostNumaCell& cell, std::span<std::int32_t> rooms) {
  if (cell.mempages.empty()) return;
  const std::int64_t smallest =
      std::ranges::min(cell.mempages, {}, &hardware::HostPages::size_kb).size_kb;
  // Of a size that is listed twice, Nova leaves out one.
  const bool twice = std::ranges::count(cell.mempages, smallest, &hardware::HostPages::size_kb) > 1;
  for (const auto& pages : cell.mempages) {
    const std::int64_t free = pages.FreeKb() / kKibPerMib;
    if (pages.size_kb == 2 * kKibPerMib) Raise(rooms[kPages2Mib], free);
    if (pages.size_kb == kKibPerMib * kKibPerMib) Raise(rooms[kPages1Gib], free);
    if (pages.size_kb != smallest || twice) Raise(rooms[kPagesLarge], free);
  }
}

std::array<std::int64_t, HardwareRooms::kCellRows> NeedsOf(const hardware::InstanceNumaCell& cell) {
  std::array<std::int64_t, HardwareRooms::kCellRows> needs{};
  if (cell.cpu_policy == hardware::CpuPolicy::kDedicated ||
      cell.cpu_policy == hardware::CpuPolicy::kMixed) {
    needs[kPinnable] = static_cast<std::int64_t>(cell.pcpuset.Size());
    needs[kMemory] = cell.memory;
  }
  switch (cell.pagesize.value_or(0)) {
    case 2 * kKibPerMib:
      needs[kPages2Mib] = cell.memory;
      break;
    case kKibPerMib* kKibPerMib:
      needs[kPages1Gib] = cell.memory;
      break;
    case hardware::kPagesLarge:
      needs[kPagesLarge] = cell.memory;
      break;
    default:
      break;
  }
  return needs;
}

bool MayBe(const std::string& have, const hardware::PciSpec& spec, std::string_view property) {
  const auto wanted = spec.find(property);
  return wanted == spec.end() || !wanted->second || absl::EqualsIgnoreCase(have, *wanted->second);
}

}  // namespace

// ---- kinds of devices

HardwareRooms::Kind HardwareRooms::KindOf(const hardware::PciDevicePool& pool) {
  if (pool.tags.contains("vendor_id") || pool.tags.contains("product_id")) return {true, {}, {}};
  return {false, pool.vendor_id, pool.product_id};
}

bool HardwareRooms::MayMatch(const Kind& kind, const std::vector<hardware::PciSpec>& spec) {
  return std::ranges::any_of(spec, [&](const hardware::PciSpec& one) {
    return kind.any ||
           (MayBe(kind.vendor_id, one, "vendor_id") && MayBe(kind.product_id, one, "product_id"));
  });
}

std::size_t HardwareRooms::RowOf(const hardware::PciDevicePool& pool) const {
  const auto known = std::ranges::find(kinds_, KindOf(pool));
  return std::min(static_cast<std::size_t>(known - kinds_.begin()), kMostDeviceRows - 1);
}

std::uint32_t HardwareRooms::RowsOf(const hardware::PciRequest& request) const {
  std::uint32_t rows = more_kinds_ ? 1U << (kMostDeviceRows - 1) : 0;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    if (MayMatch(kinds_[i], request.spec)) rows |= 1U << std::min(i, kMostDeviceRows - 1);
  }
  return rows;
}

// ---- of hosts

bool HardwareRooms::Learn(const HostHardware* hardware) {
  if (hardware == nullptr) return false;
  const std::size_t before = Rows();
  any_ = true;
  cells_ |= hardware->numa() != nullptr;
  for (const auto& pool : hardware->pci().Pools()) {
    Kind kind = KindOf(pool);
    if (std::ranges::find(kinds_, kind) != kinds_.end()) continue;
    if (kinds_.size() < kMostKinds) {
      kinds_.push_back(std::move(kind));
    } else {
      more_kinds_ = true;
    }
  }
  return Rows() != before;
}

void HardwareRooms::Read(const HostHardware* hardware, std::span<std::int32_t> rooms) const {
  std::ranges::fill(rooms, 0);
  if (hardware == nullptr) return;
  if (hardware->numa() != nullptr) {
    for (const auto& cell : hardware->numa()->cells) {
      Raise(rooms[kPinnable], static_cast<std::int64_t>(cell.FreePcpuCount()));
      Raise(rooms[kMemory], cell.AvailMemory());
      ReadPages(cell, rooms);
    }
  }
  const auto devices = rooms.subspan(CellRows());
  for (const auto& pool : hardware->pci().Pools()) {
    std::int32_t& room = devices[RowOf(pool)];
    // Less than nothing of one kind takes from others what they have.
    room = pool.count < 0 ? Clamped(kMostRoom) : Clamped(room + std::min(pool.count, kMostRoom));
  }
}

// ---- of requests

bool HardwareRooms::AddNeeds(const PlacementRequest& request, HardwareJudges judges,
                             std::size_t first, std::vector<Need>& needs) const {
  const auto& guest = request.numa_topology;
  if (judges.cells && guest && !guest->cells.empty() && !AddCellNeeds(*guest, first, needs)) {
    return false;
  }
  return !judges.devices || AddDeviceNeeds(request.pci_requests, first + CellRows(), needs);
}

// Nova takes a guest cell for fitted where one of the same id was. So of several it is only sure
// that one of them had a host cell with all it wants.
bool HardwareRooms::AddCellNeeds(const hardware::InstanceNumaTopology& guest, std::size_t first,
                                 std::vector<Need>& needs) const {
  if (!cells_) return false;
  auto least = NeedsOf(guest.cells.front());
  for (const auto& cell : guest.cells) {
    const auto wanted = NeedsOf(cell);
    for (std::size_t row = 0; row < kCellRows; ++row) {
      least[row] = std::min(least[row], wanted[row]);
    }
  }
  for (std::size_t row = 0; row < kCellRows; ++row) {
    if (least[row] > 0) needs.push_back({first + row, Clamped(least[row])});
  }
  return true;
}

bool HardwareRooms::AddDeviceNeeds(const std::vector<hardware::PciRequest>& requests,
                                   std::size_t first, std::vector<Need>& needs) const {
  const bool odd = std::ranges::any_of(
      requests, [](const hardware::PciRequest& request) { return request.count < 0; });
  if (odd) return true;
  std::array<std::int64_t, kMostDeviceRows> sums{};
  for (const auto& request : requests) {
    const std::uint32_t rows = RowsOf(request);
    if (rows == 0) return false;
    // Which of several rows is to have it, is open.
    if (std::has_single_bit(rows)) {
      sums[static_cast<std::size_t>(std::countr_zero(rows))] += std::min(request.count, kMostRoom);
    }
  }
  for (std::size_t row = 0; row < kMostDeviceRows; ++row) {
    if (sums[row] > 0) needs.push_back({first + row, Clamped(sums[row])});
  }
  return true;
}

}  // namespace kilonova::scheduler::core::fast
