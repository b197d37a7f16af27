// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/fit.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/hardware/fit_cell.h"

namespace kilonova::hardware {
namespace {

using HostCells = std::vector<const HostNumaCell*>;

bool IsShared(CpuPolicy policy) {
  return policy == CpuPolicy::kNone || policy == CpuPolicy::kShared;
}

// Python's sorted(): stable, the greatest key first where `descending`.
template <class Key>
void SortBy(HostCells& cells, bool descending, Key key) {
  std::vector<std::pair<std::int64_t, const HostNumaCell*>> keyed;
  keyed.reserve(cells.size());
  for (const auto* cell : cells) {
    const auto value = static_cast<std::int64_t>(key(*cell));
    keyed.emplace_back(descending ? -value : value, cell);
  }
  std::ranges::stable_sort(keyed, {}, [](const auto& pair) { return pair.first; });
  std::ranges::transform(keyed, cells.begin(), [](const auto& pair) { return pair.second; });
}

// The host's cells in the order they are tried: the last sort counts most.
HostCells Ordered(const FitRequest& request) {
  HostCells cells;
  cells.reserve(request.host.cells.size());
  for (const auto& cell : request.host.cells) cells.push_back(&cell);
  if (cells.size() <= request.instance.cells.size()) return cells;  // all are used anyway
  const bool pack = request.order == CellOrder::kPack;
  SortBy(cells, !pack, [](const HostNumaCell& cell) { return cell.AvailMemory(); });
  if (IsShared(request.instance.cells.front().cpu_policy)) {
    SortBy(cells, pack, [](const HostNumaCell& cell) { return cell.cpu_usage; });
  } else {
    SortBy(cells, !pack, [](const HostNumaCell& cell) { return cell.FreePcpuCount(); });
  }
  if (request.pci_stats == nullptr) return cells;
  // Cells with devices are for those who ask for devices.
  std::map<std::int64_t, std::int64_t> devices;
  for (const auto& pool : request.pci_stats->Pools()) {
    if (pool.numa_node) devices[*pool.numa_node] += pool.count;
  }
  const bool wants = request.pci_requests != nullptr && !request.pci_requests->empty();
  SortBy(cells, wants, [&devices](const HostNumaCell& cell) {
    const auto found = devices.find(cell.id);
    return found == devices.end() ? 0 : found->second;
  });
  return cells;
}

// The arrangements of `taken` out of `count` things, in the order of itertools.permutations.
class Arrangement {
 public:
  Arrangement(std::size_t count, std::size_t taken) : used_(count, false), places_(taken) {
    FillFrom(0);
  }

  const std::vector<std::size_t>& Places() const { return places_; }

  // The next one that differs at `place` or before; false when there is none.
  bool Advance(std::size_t place) {
    for (std::size_t i = place + 1; i < places_.size(); ++i) used_[places_[i]] = false;
    for (;;) {
      used_[places_[place]] = false;
      for (std::size_t next = places_[place] + 1; next < used_.size(); ++next) {
        if (used_[next]) continue;
        places_[place] = next;
        used_[next] = true;
        FillFrom(place + 1);
        return true;
      }
      if (place == 0) return false;
      --place;
    }
  }

 private:
  void FillFrom(std::size_t place) {
    for (std::size_t next = 0; place < places_.size(); ++next) {
      if (used_[next]) continue;
      places_[place++] = next;
      used_[next] = true;
    }
  }

  std::vector<bool> used_;
  std::vector<std::size_t> places_;
};

// Nova fits guest cells in place and remembers by ids, which change as it goes: a cell that once
// fitted keeps the pages and the pinning it got there. Its answers come of that, so with kNovas
// this does the same, to the letter. With kNone every arrangement starts afresh and has to hold.
enum class Memory { kNovas, kNone };

class Fitter {
 public:
  Fitter(const FitRequest& request, Memory memory)
      : request_(request),
        memory_(memory),
        hosts_(Ordered(request)),
        cells_(request.instance.cells) {
    for (const auto* host : hosts_) ids_.push_back(host->id);
    for (const auto& cell : cells_) ids_.push_back(cell.id);
    std::ranges::sort(ids_);
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    known_.assign(ids_.size() * ids_.size(), Known::kNothing);
  }

  Expected<std::optional<InstanceNumaTopology>> Fit() {
    Arrangement arrangement(hosts_.size(), cells_.size());
    for (std::int64_t tried = 0; tried < kMaxArrangements; ++tried) {
      ASSIGN_OR_RETURN(const Walked walked, Walk(arrangement.Places()));
      if (walked.fitted == cells_.size() && SuitsDevicesAndNetworks(arrangement.Places())) {
        InstanceNumaTopology fitted{cells_, request_.instance.emulator_threads_policy};
        if (memory_ == Memory::kNovas || UsageAfter(request_.host, fitted, Usage::kTake).ok()) {
          return fitted;
        }
      }
      // A walk that changed nothing would stop at the same cell again.
      const bool stuck = walked.fitted < cells_.size() && !walked.changed;
      if (!arrangement.Advance(stuck ? walked.fitted : cells_.size() - 1)) break;
    }
    return std::nullopt;
  }

 private:
  enum class Known : std::uint8_t { kNothing, kFits, kDoesNot };

  struct Walked {
    std::size_t fitted = 0;  // guest cells, from the first
    bool changed = false;    // what is known, or a guest cell
  };

  Expected<Walked> Walk(const std::vector<std::size_t>& places) {
    Walked walked;
    if (memory_ == Memory::kNone) cells_ = request_.instance.cells;
    for (; walked.fitted < cells_.size(); ++walked.fitted) {
      const HostNumaCell& host = *hosts_[places[walked.fitted]];
      InstanceNumaCell& cell = cells_[walked.fitted];
      Known forgotten = Known::kNothing;
      Known& known = memory_ == Memory::kNovas ? KnownOf(host.id, cell.id) : forgotten;
      if (known == Known::kDoesNot) return walked;
      if (known == Known::kFits) {
        walked.changed = walked.changed || cell.id != host.id;
        cell.id = host.id;
        continue;
      }
      walked.changed = memory_ == Memory::kNovas;
      ASSIGN_OR_RETURN(const bool fits,
                       FitCell(host, cell, request_.limits, Emulator(walked.fitted)));
      known = fits ? Known::kFits : Known::kDoesNot;
      if (!fits) return walked;
    }
    return walked;
  }

  // The emulator's CPU is taken beside the guest's first cell.
  EmulatorCpus Emulator(std::size_t guest_cell) const {
    const auto policy = request_.instance.emulator_threads_policy;
    const bool taken = policy == EmulatorThreadsPolicy::kIsolate && guest_cell == 0;
    return {.count = taken ? 1U : 0U,
            .from = memory_ == Memory::kNone ? EmulatorCpus::From::kWholeCores
                                             : EmulatorCpus::From::kAnyCores};
  }

  Known& KnownOf(std::int64_t host, std::int64_t cell) {
    const auto index = [this](std::int64_t id) {
      return static_cast<std::size_t>(std::ranges::lower_bound(ids_, id) - ids_.begin());
    };
    return known_[index(host) * ids_.size() + index(cell)];
  }

  bool SuitsDevicesAndNetworks(const std::vector<std::size_t>& places) {
    const bool devices = request_.pci_requests != nullptr && !request_.pci_requests->empty() &&
                         request_.pci_stats != nullptr;
    const bool networks = request_.limits != nullptr && request_.limits->network_metadata;
    if (!devices && !networks) return true;
    // Which cells they are decides, not in which order: refuse the same ones once.
    std::vector<std::size_t> set = places;
    std::ranges::sort(set);
    if (refused_.contains(set)) return false;
    std::vector<const HostNumaCell*> chosen;
    PciAffinity affinity{&request_.host, {}};
    for (const std::size_t place : places) {
      chosen.push_back(hosts_[place]);
      affinity.cell_ids.push_back(hosts_[place]->id);
    }
    if ((!devices || request_.pci_stats->Supports(*request_.pci_requests, affinity)) &&
        (!networks || SuitsNetworks(request_.host, chosen, *request_.limits->network_metadata))) {
      return true;
    }
    refused_.insert(std::move(set));
    return false;
  }

  const FitRequest& request_;
  Memory memory_;
  HostCells hosts_;
  std::vector<InstanceNumaCell> cells_;
  std::vector<std::int64_t> ids_;  // of both sides, sorted
  std::vector<Known> known_;       // by host id and guest id
  std::set<std::vector<std::size_t>> refused_;
};

}  // namespace

Expected<std::optional<InstanceNumaTopology>> FitInstanceToHost(const FitRequest& request) {
  const std::size_t wanted = request.instance.cells.size();
  if (wanted == 0 || request.host.cells.size() < wanted) return std::nullopt;
  return Fitter(request, Memory::kNovas).Fit();
}

Expected<std::optional<InstanceNumaTopology>> FitInstanceSoundly(const FitRequest& request) {
  ASSIGN_OR_RETURN(auto fitted, FitInstanceToHost(request));
  if (!fitted || UsageAfter(request.host, *fitted, Usage::kTake).ok()) return fitted;
  return Fitter(request, Memory::kNone).Fit();
}

}  // namespace kilonova::hardware
