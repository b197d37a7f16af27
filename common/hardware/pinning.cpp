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

std::vector<Core> FreeCores(const HostNumaCell& host) {
  const CpuSet free = host.FreePcpus();
  std::vector<Core> cores;
  cores.reserve(host.siblings.size());
  for (const CpuSet& siblings : host.siblings) {
    Core core = PythonFreeThreads(siblings, free, host.pcpuset, host.pinned_cpus);
    if (!core.empty()) cores.push_back(std::move(core));
  }
  return cores;
}

// `threads` host CPUs of every core that has as many free.
Pinning Pin(const std::vector<Core>& cores, std::size_t threads, const std::vector<CpuId>& guest) {
  const auto usable =
      std::ranges::count_if(cores, [threads](const Core& core) { return core.size() >= threads; });
  if (threads * static_cast<std::size_t>(usable) < guest.size()) return {};
  Pinning pinning;
  pinning.reserve(guest.size());
  auto next = guest.begin();
  for (const Core& core : cores) {
    if (core.size() < threads) continue;
    for (std::size_t i = 0; i < threads && next != guest.end(); ++i, ++next) {
      pinning.emplace_back(*next, core[i]);
    }
  }
  return pinning;
}

// The first CPUs left over by `pinning`.
CpuSet Reserve(std::vector<Core> cores, const Pinning& pinning, std::size_t count,
               Siblings siblings) {
  CpuSet reserved;
  if (count == 0 || pinning.empty()) return reserved;
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
        cores_(FreeCores(host)) {
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

  std::size_t MostFree() const {
    std::size_t most = 0;
    for (const Core& core : cores_) most = std::max(most, core.size());
    return most;
  }

  // One guest CPU to a core that is free as a whole. A host with separate dedicated CPUs cannot
  // keep the siblings idle: then only cores without any will do.
  Packing Isolated() const {
    if (MostFree() < threads_per_core_) return {};
    if (threads_per_core_ != 1 && host_.pcpuset != host_.cpuset) return {};
    std::vector<Core> whole = cores_;
    std::erase_if(whole, [this](const Core& core) { return core.size() < threads_per_core_; });
    Packing packing{Pin(whole, 1, guest_), {}};
    packing.reserved = Reserve(from_ == EmulatorCpus::From::kWholeCores ? whole : cores_,
                               packing.pinning, reserved_, Siblings::kAreLost);
    return packing;
  }

  // As many threads of a core as will do; with kRequire two at least, else any CPU in the end.
  Packing Packed() const {
    const bool require = policy_ == CpuThreadPolicy::kRequire;
    if (require && threads_per_core_ <= 1) return {};
    Packing packing;
    for (std::size_t threads = MostFree(); threads >= (require ? 2U : 1U); --threads) {
      packing.pinning = Pin(cores_, threads, guest_);
      packing.reserved = Reserve(cores_, packing.pinning, reserved_, Siblings::kMayBeUsed);
      if (Complete(packing)) return packing;
    }
    if (require || !packing.pinning.empty()) return packing;
    std::vector<Core> single;
    for (const Core& core : cores_) {
      for (const CpuId cpu : core) single.push_back({cpu});
    }
    packing.pinning = Pin(single, 1, guest_);
    packing.reserved = Reserve(single, packing.pinning, reserved_, Siblings::kMayBeUsed);
    return packing;
  }

  const HostNumaCell& host_;
  CpuThreadPolicy policy_;
  std::vector<CpuId> guest_;
  std::size_t reserved_;
  EmulatorCpus::From from_;
  std::vector<Core> cores_;
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
