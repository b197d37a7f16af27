// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/pinning.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/hardware/errors.h"
#include "common/hardware/python_set.h"

namespace kilonova::hardware {
namespace {

using Core = std::vector<CpuId>;  // its free threads, in the order they are handed out
using Pinning = std::vector<std::pair<CpuId, CpuId>>;

enum class Siblings { kMayBeUsed, kAreLost };  // of a core that a guest CPU is pinned to

struct Packing {
  Pinning pinning;  // empty: none found
  CpuSet reserved;
};

// The cores of a host cell that have free threads. Which ones is only asked of those that are used.
class FreeCores {
 public:
  explicit FreeCores(const HostNumaCell& host) : host_(host), free_(host.FreePcpus()) {
    cores_.reserve(host.siblings.size());
    for (const CpuSet& siblings : host.siblings) {
      const std::size_t size = siblings.CountCommon(free_);
      if (size > 0) cores_.push_back({&siblings, size});
      most_ = std::max(most_, size);
    }
  }

  std::size_t MostThreads() const { return most_; }

  // `threads` host CPUs of every core that has as many free, until each guest CPU has one.
  Pinning Pin(std::size_t threads, const std::vector<CpuId>& guest) const {
    const auto usable = std::ranges::count_if(
        cores_, [threads](const FreeCore& core) { return core.size >= threads; });
    if (threads * static_cast<std::size_t>(usable) < guest.size()) return {};
    Pinning pinning;
    pinning.reserve(guest.size());
    auto next = guest.begin();
    for (const FreeCore& core : cores_) {
      if (next == guest.end()) break;
      if (core.size < threads) continue;
      const Core cpus = Threads(core);
      for (std::size_t i = 0; i < threads && next != guest.end(); ++i, ++next) {
        pinning.emplace_back(*next, cpus[i]);
      }
    }
    return pinning;
  }

  std::vector<Core> WithAtLeast(std::size_t threads) const {
    std::vector<Core> cores;
    for (const FreeCore& core : cores_) {
      if (core.size >= threads) cores.push_back(Threads(core));
    }
    return cores;
  }

 private:
  struct FreeCore {
    const CpuSet* siblings;
    std::size_t size;
  };

  Core Threads(const FreeCore& core) const {
    return PythonFreeThreads(*core.siblings, free_, host_.pcpuset, host_.pinned_cpus);
  }

  const HostNumaCell& host_;
  CpuSet free_;
  std::vector<FreeCore> cores_;
  std::size_t most_ = 0;
};

// The first CPUs left over by `pinning`.
CpuSet Reserve(std::vector<Core> cores, const Pinning& pinning, std::size_t count,
               Siblings siblings) {
  CpuSet reserved;
  for (const auto& [guest, host] : pinning) {
    // Cores do not overlap on any sane host; where they do, a walk that loses an element skips the
    // next one, as Nova's does.
    for (std::size_t i = 0; i < cores.size(); ++i) {
      const auto found = std::ranges::find(cores[i], host);
      if (found == cores[i].end()) continue;
      if (siblings == Siblings::kAreLost) {
        cores.erase(std::ranges::find(cores, Core(cores[i])));
      } else {
        cores[i].erase(found);
      }
    }
  }
  for (const Core& core : cores) {
    for (const CpuId cpu : core) {
      if (count == 0) return reserved;
      reserved.Add(cpu);
      --count;
    }
  }
  return reserved;
}

class Packer {
 public:
  Packer(const HostNumaCell& host, const InstanceNumaCell& instance, const EmulatorCpus& emulator)
      : host_(host),
        policy_(instance.cpu_thread_policy),
        guest_(instance.pcpuset.ToVector()),
        reserved_(emulator.count),
        from_(emulator.from),
        cores_(host) {
    for (const CpuSet& core : host.siblings) {
      threads_per_core_ = std::max(threads_per_core_, core.Size());
    }
  }

  std::optional<Packing> Pack() const {
    Packing packing = policy_ == CpuThreadPolicy::kIsolate ? Isolated() : Packed();
    if (!Complete(packing)) return std::nullopt;
    return packing;
  }

 private:
  bool Complete(const Packing& packing) const {
    return !packing.pinning.empty() && (reserved_ == 0 || !packing.reserved.Empty());
  }

  CpuSet Reserved(const Pinning& pinning, std::size_t of_cores_with, Siblings siblings) const {
    if (reserved_ == 0 || pinning.empty()) return {};
    return Reserve(cores_.WithAtLeast(of_cores_with), pinning, reserved_, siblings);
  }

  // One guest CPU to a core that is free as a whole. A host with separate dedicated CPUs cannot
  // keep the siblings idle: then only cores without any will do.
  Packing Isolated() const {
    if (cores_.MostThreads() < threads_per_core_) return {};
    if (threads_per_core_ != 1 && host_.pcpuset != host_.cpuset) return {};
    Packing packing{PinWhole(), {}};
    packing.reserved =
        Reserved(packing.pinning, from_ == EmulatorCpus::From::kWholeCores ? threads_per_core_ : 1,
                 Siblings::kAreLost);
    return packing;
  }

  Pinning PinWhole() const {
    const std::vector<Core> whole = cores_.WithAtLeast(threads_per_core_);
    if (whole.size() < guest_.size()) return {};
    Pinning pinning;
    for (std::size_t i = 0; i < guest_.size(); ++i) pinning.emplace_back(guest_[i], whole[i][0]);
    return pinning;
  }

  // As many threads of a core as will do; with kRequire two at least, else any CPU in the end.
  Packing Packed() const {
    const bool require = policy_ == CpuThreadPolicy::kRequire;
    if (require && threads_per_core_ <= 1) return {};
    Packing packing;
    for (std::size_t threads = cores_.MostThreads(); threads >= (require ? 2U : 1U); --threads) {
      packing.pinning = cores_.Pin(threads, guest_);
      packing.reserved = Reserved(packing.pinning, 1, Siblings::kMayBeUsed);
      if (Complete(packing)) return packing;
    }
    if (require || !packing.pinning.empty()) return packing;
    return AnyCpus();
  }

  Packing AnyCpus() const {
    std::vector<Core> single;
    for (const Core& core : cores_.WithAtLeast(1)) {
      for (const CpuId cpu : core) single.push_back({cpu});
    }
    Packing packing;
    if (single.size() < guest_.size()) return packing;
    for (std::size_t i = 0; i < guest_.size(); ++i) {
      packing.pinning.emplace_back(guest_[i], single[i][0]);
    }
    if (reserved_ > 0 && !packing.pinning.empty()) {
      packing.reserved = Reserve(single, packing.pinning, reserved_, Siblings::kMayBeUsed);
    }
    return packing;
  }

  const HostNumaCell& host_;
  CpuThreadPolicy policy_;
  std::vector<CpuId> guest_;
  std::size_t reserved_;
  EmulatorCpus::From from_;
  FreeCores cores_;
  std::size_t threads_per_core_ = 1;
};

}  // namespace

Expected<bool> PackOntoCores(const HostNumaCell& host, InstanceNumaCell& instance,
                             const EmulatorCpus& emulator) {
  if (host.siblings.empty()) {
    return HostRefused("ValueError", "the host does not say which CPUs are of one core");
  }
  auto packing = Packer(host, instance, emulator).Pack();
  if (!packing) return false;
  instance.cpu_pinning = std::move(packing->pinning);
  instance.cpuset_reserved = std::move(packing->reserved);
  instance.id = host.id;
  return true;
}

}  // namespace kilonova::hardware
