// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/misfit.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "common/hardware/fit_cell.h"
#include "common/hardware/pages.h"

namespace kilonova::hardware {
namespace {

// What a guest cell needs of a host cell, in the order in which fitting asks for it.
enum class Hurdle {
  kPages,
  kDedicated,
  kShared,
  kMemory,
  kThreads,
  kCpuLimit,
  kMemoryLimit,
  kNone
};

bool HasDedicated(const InstanceNumaCell& cell) {
  return cell.cpu_policy == CpuPolicy::kDedicated || cell.cpu_policy == CpuPolicy::kMixed;
}

std::int64_t Count(const CpuSet& cpus) { return static_cast<std::int64_t>(cpus.Size()); }

std::int64_t LimitOf(std::int64_t total, double ratio) {
  return static_cast<std::int64_t>(static_cast<double>(total) * ratio);
}

class Guest {
 public:
  Guest(const FitRequest& request, std::size_t index)
      : request_(request), cell_(request.instance.cells[index]) {
    const bool isolated =
        request.instance.emulator_threads_policy == EmulatorThreadsPolicy::kIsolate;
    if (index == 0 && isolated) reserved_ = 1;
  }

  // The first hurdle on `host`.
  Hurdle Meets(const HostNumaCell& host) const {
    InstanceNumaCell cell = cell_;
    const auto pages = FitPages(host, cell);
    if (!pages.ok() || !*pages) return Hurdle::kPages;
    if (HasDedicated(cell_) && Dedicated() > static_cast<std::int64_t>(host.FreePcpuCount()))
      return Hurdle::kDedicated;
    const bool shared = cell_.cpu_policy != CpuPolicy::kDedicated;
    if (shared && Count(cell_.cpuset) > Count(host.cpuset)) return Hurdle::kShared;
    if (HasDedicated(cell_) && cell_.memory > host.AvailMemory()) return Hurdle::kMemory;
    cell = cell_;
    const auto packed = FitCell(host, cell, nullptr, {.count = reserved_});
    if (!packed.ok() || !*packed) return Hurdle::kThreads;
    if (!shared || request_.limits == nullptr) return Hurdle::kNone;
    if (CpusLeft(host) < Count(cell_.cpuset)) return Hurdle::kCpuLimit;
    return MemoryLeft(host) < cell_.memory ? Hurdle::kMemoryLimit : Hurdle::kNone;
  }

  std::string Need(Hurdle hurdle) const {
    switch (hurdle) {
      case Hurdle::kPages:
        return Mib(cell_.memory) + PagesText(cell_) + " on one NUMA cell";
      case Hurdle::kDedicated:
        return std::to_string(Dedicated()) + " dedicated CPUs on one NUMA cell";
      case Hurdle::kShared:
      case Hurdle::kCpuLimit:
        return std::to_string(Count(cell_.cpuset)) + " shared CPUs on one NUMA cell";
      case Hurdle::kThreads:
        return std::to_string(Dedicated()) + " dedicated CPUs with thread policy " +
               (cell_.cpu_thread_policy == CpuThreadPolicy::kNone
                    ? "prefer"
                    : std::string(ToText(cell_.cpu_thread_policy)));
      default:
        return Mib(cell_.memory) + " on one NUMA cell";
    }
  }

  // How much of it a host cell has; nothing where no number tells.
  std::optional<std::int64_t> Has(Hurdle hurdle, const HostNumaCell& host) const {
    switch (hurdle) {
      case Hurdle::kPages:
        return PagesFree(host);
      case Hurdle::kDedicated:
        return static_cast<std::int64_t>(host.FreePcpuCount());
      case Hurdle::kShared:
        return Count(host.cpuset);
      case Hurdle::kMemory:
        return host.AvailMemory();
      case Hurdle::kCpuLimit:
        return std::max<std::int64_t>(0, CpusLeft(host));
      case Hurdle::kMemoryLimit:
        return std::max<std::int64_t>(0, MemoryLeft(host));
      default:
        return std::nullopt;
    }
  }

 private:
  static std::string Mib(std::int64_t amount) { return std::to_string(amount) + " MiB"; }

  std::int64_t Dedicated() const {
    return Count(cell_.pcpuset) + static_cast<std::int64_t>(reserved_);
  }

  std::int64_t CpusLeft(const HostNumaCell& host) const {
    return LimitOf(Count(host.cpuset), request_.limits->cpu_allocation_ratio) - host.cpu_usage;
  }

  std::int64_t MemoryLeft(const HostNumaCell& host) const {
    return LimitOf(host.memory, request_.limits->ram_allocation_ratio) - host.memory_usage;
  }

  // MiB, of the best page size that would do.
  std::int64_t PagesFree(const HostNumaCell& host) const {
    const std::int64_t wish = cell_.pagesize.value_or(0);
    const std::int64_t smallest = SmallestPage(host).value_or(0);
    if (wish == 0) return host.memory;
    std::int64_t best = 0;
    for (const auto& pages : host.mempages) {
      const bool small = pages.size_kb == smallest;
      const bool would_do = wish == kPagesAny || (wish == kPagesSmall && small) ||
                            (wish == kPagesLarge && !small) || wish == pages.size_kb;
      if (would_do) best = std::max(best, pages.FreeKb() / 1024);
    }
    return best;
  }

  const FitRequest& request_;
  const InstanceNumaCell& cell_;
  std::size_t reserved_ = 0;
};

std::optional<Misfit> CellMisfit(const FitRequest& request, std::size_t index) {
  const Guest guest(request, index);
  // Of the hurdles on all host cells the farthest is nearest to the point.
  Hurdle farthest = Hurdle::kPages;
  for (const auto& host : request.host.cells) farthest = std::max(farthest, guest.Meets(host));
  if (farthest == Hurdle::kNone) return std::nullopt;
  std::optional<std::int64_t> most;
  for (const auto& host : request.host.cells) {
    if (guest.Meets(host) != farthest) continue;
    const auto has = guest.Has(farthest, host);
    if (has && (!most || *has > *most)) most = has;
  }
  return Misfit{guest.Need(farthest),
                most ? std::to_string(*most) + " at most" : "no cell with such cores free"};
}

bool FitsWithout(FitRequest request, bool devices, bool networks) {
  NumaLimits limits;
  if (devices) request.pci_requests = nullptr;
  if (networks && request.limits != nullptr) {
    limits = *request.limits;
    limits.network_metadata.reset();
    request.limits = &limits;
  }
  const auto fitted = FitInstanceToHost(request);
  return fitted.ok() && fitted->has_value();
}

}  // namespace

std::string PagesText(const InstanceNumaCell& cell) {
  const std::int64_t wish = cell.pagesize.value_or(0);
  if (wish == 0) return "";
  if (wish == kPagesSmall) return " in small pages";
  if (wish == kPagesLarge) return " in large pages";
  if (wish == kPagesAny) return " in pages of one size";
  return " in pages of " + std::to_string(wish) + " KiB";
}

Misfit ExplainMisfit(const FitRequest& request) {
  const std::size_t cells = request.instance.cells.size();
  if (request.host.cells.size() < cells) {
    return {std::to_string(cells) + " NUMA cells",
            std::to_string(request.host.cells.size()) + " NUMA cells"};
  }
  for (std::size_t index = 0; index < cells; ++index) {
    if (auto misfit = CellMisfit(request, index)) return *misfit;
  }
  if (FitsWithout(request, true, false)) {
    return {"PCI devices with affinity to the guest's NUMA cells",
            "none there, or too few, where the guest fits"};
  }
  if (FitsWithout(request, false, true)) {
    return {"the NUMA cells that its networks are near to", "no room on those"};
  }
  return {std::to_string(cells) + " NUMA cells at once", "room for each, not for all of them"};
}

}  // namespace kilonova::hardware
