// SPDX-License-Identifier: Apache-2.0
// The guest's NUMA topology out of flavor and image.
#include <algorithm>
#include <string>
#include <utility>

#include "common/base/python_text.h"
#include "common/hardware/needs_text.h"
#include "common/hardware/python_set.h"

namespace kilonova::hardware {
namespace {

constexpr std::int64_t kNumaNodesMax = 128;
constexpr std::string_view kNumaNodes = "hw:numa_nodes";

// What pins and shares the guest's CPUs, once every rule about that has been heard.
struct CpuWishes {
  CpuPolicy policy = CpuPolicy::kNone;
  CpuThreadPolicy threads = CpuThreadPolicy::kNone;
  EmulatorThreadsPolicy emulator_threads = EmulatorThreadsPolicy::kNone;
  std::optional<CpuSet> realtime;
  std::optional<CpuSet> dedicated;
  bool empty_thread_policy = false;  // the extra spec is there, without a word
};

// "resources:VCPU", "resources7:VCPU", and as Nova matches it, anything that begins so.
bool IsNumbered(std::string_view key, std::string_view prefix, std::string_view rest) {
  if (!key.starts_with(prefix)) return false;
  key.remove_prefix(prefix.size());
  const auto digits = std::min(key.find_first_not_of("0123456789"), key.size());
  if (digits > 0 && key.front() == '0') return false;
  return key.substr(digits).starts_with(rest);
}

std::int64_t RequestedResources(const GuestNeeds& needs, std::string_view rest) {
  std::int64_t sum = 0;
  for (const auto& [key, value] : needs.flavor.extra_specs) {
    if (!IsNumbered(key, "resources", rest)) continue;
    // Saturated numbers of several groups must not overflow.
    const std::int64_t amount = PyInt(value).value_or(0);
    sum = std::clamp<std::int64_t>(sum, INT64_MIN / 2, INT64_MAX / 2) +
          std::clamp<std::int64_t>(amount, INT64_MIN / 2, INT64_MAX / 2);
  }
  return sum;
}

std::string HyperthreadingTrait(const GuestNeeds& needs) {
  for (const auto& [key, value] : needs.flavor.extra_specs) {
    if (IsNumbered(key, "trait", ":HW_CPU_HYPERTHREADING")) return value;
  }
  const auto& of_image = needs.image.TraitsRequired();
  return std::ranges::find(of_image, "HW_CPU_HYPERTHREADING") != of_image.end() ? "required" : "";
}

Status InvalidRequest(std::string_view field, std::string_view message) {
  return FlavorRefused("InvalidRequest", field, message);
}

// Placement's own words for CPUs instead of the policy's.
Status ReadResources(const GuestNeeds& needs, CpuWishes& wishes) {
  const std::int64_t vcpus = RequestedResources(needs, ":VCPU");
  const std::int64_t pcpus = RequestedResources(needs, ":PCPU");
  if (wishes.policy != CpuPolicy::kNone && (vcpus != 0 || pcpus != 0)) {
    return InvalidRequest("hw:cpu_policy",
                          "a CPU policy and resources:VCPU or resources:PCPU exclude each other");
  }
  if (vcpus != 0 && pcpus != 0) {
    return InvalidRequest("resources:PCPU", "resources:VCPU and resources:PCPU exclude each other");
  }
  if (pcpus != 0) {
    const bool one_more = wishes.emulator_threads == EmulatorThreadsPolicy::kIsolate;
    if (pcpus != needs.flavor.vcpus + (one_more ? 1 : 0)) {
      return InvalidRequest("resources:PCPU",
                            "resources:PCPU must be the flavor's vcpus, and one more for isolated "
                            "emulator threads");
    }
    wishes.policy = CpuPolicy::kDedicated;
  }
  if (vcpus != 0) wishes.policy = CpuPolicy::kShared;
  return OkStatus();
}

Status ReadTrait(const GuestNeeds& needs, CpuWishes& wishes) {
  const std::string trait = HyperthreadingTrait(needs);
  if (wishes.threads != CpuThreadPolicy::kNone && !trait.empty()) {
    return InvalidRequest("trait:HW_CPU_HYPERTHREADING",
                          "a CPU thread policy and trait:HW_CPU_HYPERTHREADING exclude each other");
  }
  if (trait == "forbidden") wishes.threads = CpuThreadPolicy::kIsolate;
  if (trait == "required") wishes.threads = CpuThreadPolicy::kRequire;
  if (wishes.threads != CpuThreadPolicy::kNone) wishes.empty_thread_policy = false;
  return OkStatus();
}

Status CheckShared(const CpuWishes& wishes) {
  if (wishes.threads != CpuThreadPolicy::kNone) {
    return FlavorRefused("CPUThreadPolicyConfigurationInvalid", "hw:cpu_thread_policy",
                         "a CPU thread policy needs dedicated CPUs");
  }
  if (wishes.emulator_threads == EmulatorThreadsPolicy::kIsolate) {
    return FlavorRefused("BadRequirementEmulatorThreadsPolicy", "hw:emulator_threads_policy",
                         "isolated emulator threads need dedicated CPUs");
  }
  if (wishes.dedicated) {
    return FlavorRefused("RequiredMixedInstancePolicy", "hw:cpu_dedicated_mask",
                         "a mask of dedicated CPUs needs the CPU policy mixed");
  }
  if (wishes.realtime) {
    return FlavorRefused("RealtimeConfigurationInvalid", "hw:cpu_realtime",
                         "real time needs dedicated CPUs");
  }
  return OkStatus();
}

Status CheckPolicy(const CpuWishes& wishes) {
  if (wishes.policy == CpuPolicy::kDedicated) {
    if (!wishes.dedicated) return OkStatus();
    return FlavorRefused("RequiredMixedInstancePolicy", "hw:cpu_dedicated_mask",
                         "a mask of dedicated CPUs needs the CPU policy mixed");
  }
  if (wishes.policy != CpuPolicy::kMixed) return CheckShared(wishes);
  if (wishes.realtime.has_value() == wishes.dedicated.has_value()) {
    return FlavorRefused("RequiredMixedOrRealtimeCPUMask", "hw:cpu_dedicated_mask",
                         "the CPU policy mixed needs a dedicated or a realtime mask, not both");
  }
  return OkStatus();
}

Expected<CpuWishes> ReadCpuWishes(const GuestNeeds& needs) {
  CpuWishes wishes;
  ASSIGN_OR_RETURN(wishes.policy, CpuPolicyConstraint(needs));
  ASSIGN_OR_RETURN(wishes.threads, CpuThreadPolicyConstraint(needs));
  wishes.empty_thread_policy = FlavorText(needs, "hw:cpu_thread_policy") == "";
  ASSIGN_OR_RETURN(wishes.realtime, RealtimeCpuConstraint(needs));
  ASSIGN_OR_RETURN(wishes.dedicated, DedicatedCpuConstraint(needs));
  ASSIGN_OR_RETURN(wishes.emulator_threads, EmulatorThreadsPolicyConstraint(needs));
  RETURN_IF_ERROR(ReadResources(needs, wishes));
  RETURN_IF_ERROR(ReadTrait(needs, wishes));
  RETURN_IF_ERROR(CheckPolicy(wishes));
  return wishes;
}

// 0: not said.
Expected<std::int64_t> NumaNodes(const GuestNeeds& needs) {
  const auto flavor = FlavorWord(needs, kNumaNodes);
  const auto image = needs.image.Integer("hw_numa_nodes");
  if (flavor && image.value_or(0) != 0) {
    return ImageRefused("ImageNUMATopologyForbidden", "properties.hw_numa_nodes",
                        "the image and its flavor both say how many NUMA nodes");
  }
  std::int64_t nodes = image.value_or(0);
  bool valid = !image || nodes >= 1;
  if (flavor) {
    nodes = PyInt(*flavor).value_or(0);
    valid = nodes >= 1 && std::to_string(nodes) == *flavor;  // no sign, space or leading zero
  } else if (!image) {
    return 0;
  }
  if (!valid) {
    return FlavorRefused("InvalidNUMANodesNumber", kNumaNodes,
                         "the number of NUMA nodes is not an integer of 1 or more");
  }
  return nodes;
}

using CpuLists = std::optional<std::vector<CpuSet>>;
using MemLists = std::optional<std::vector<std::int64_t>>;

// Calls read(text, name) on the extra specs key.0, key.1... up to the first that is missing.
template <class Read>
Status ForEachNode(const GuestNeeds& needs, std::string_view key, Read read) {
  for (std::int64_t node = 0; node < kNumaNodesMax; ++node) {
    const std::string name = std::string(key) + "." + std::to_string(node);
    const auto text = FlavorText(needs, name);
    if (!text) break;
    RETURN_IF_ERROR(read(*text, name));
  }
  return OkStatus();
}

Status BothListed(std::string_view property) {
  return ImageRefused("ImageNUMATopologyForbidden", "properties." + std::string(property),
                      "the image and its flavor both lay out the NUMA nodes");
}

Expected<CpuLists> NumaCpus(const GuestNeeds& needs) {
  CpuLists lists;
  RETURN_IF_ERROR(ForEachNode(needs, "hw:numa_cpus", [&](std::string_view text, const auto& name) {
    auto cpus = ParseCpuSpec(text);
    if (!cpus.ok()) return FlavorRefused("Invalid", name, Message(cpus.status()));
    if (!lists) lists.emplace();
    lists->push_back(*std::move(cpus));
    return OkStatus();
  }));
  if (!lists) return needs.image.NumaCpus();
  if (needs.image.NumaCpus()) return BothListed("hw_numa_cpus");
  return lists;
}

Expected<MemLists> NumaMem(const GuestNeeds& needs) {
  MemLists lists;
  RETURN_IF_ERROR(ForEachNode(needs, "hw:numa_mem", [&](std::string_view text, const auto& name) {
    const auto memory = PyInt(text);
    if (!memory) return FlavorRefused("ValueError", name, "the memory is not an integer");
    if (!lists) lists.emplace();
    lists->push_back(*memory);
    return OkStatus();
  }));
  if (!lists) return needs.image.NumaMem();
  if (needs.image.NumaMem()) return BothListed("hw_numa_mem");
  return lists;
}

using Cells = std::vector<InstanceNumaCell>;

Expected<Cells> EvenCells(const GuestNeeds& needs, std::int64_t nodes) {
  const auto& flavor = needs.flavor;
  if (flavor.vcpus % nodes != 0 || flavor.memory_mb % nodes != 0) {
    return FlavorRefused("ImageNUMATopologyAsymmetric", kNumaNodes,
                         "vcpus and memory do not divide evenly among the NUMA nodes");
  }
  Cells cells;
  const std::int64_t each = flavor.vcpus / nodes;
  for (std::int64_t node = 0; node < nodes; ++node) {
    InstanceNumaCell cell;
    cell.id = node;
    cell.cpuset =
        CpuSet::Range(static_cast<CpuId>(node * each), static_cast<CpuId>((node + 1) * each - 1));
    cell.memory = flavor.memory_mb / nodes;
    cells.push_back(std::move(cell));
  }
  return cells;
}

// Takes a node's CPUs out of those still free, in the order in which Nova meets them.
Status TakeCpus(const GuestNeeds& needs, const CpuSet& cpus, CpuSet& free) {
  for (const CpuId cpu : PythonOrder(cpus)) {
    if (cpu >= needs.flavor.vcpus) {
      return FlavorRefused(
          "ImageNUMATopologyCPUOutOfRange", "hw:numa_cpus",
          "a NUMA node has CPU " + std::to_string(cpu) + ", which the guest does not have");
    }
    if (!free.Has(cpu)) {
      return FlavorRefused("ImageNUMATopologyCPUDuplicates", "hw:numa_cpus",
                           "CPU " + std::to_string(cpu) + " is in two NUMA nodes");
    }
    free.Remove(cpu);
  }
  return OkStatus();
}

Expected<Cells> ListedCells(const GuestNeeds& needs, const std::vector<CpuSet>& cpus,
                            const std::vector<std::int64_t>& memory) {
  Cells cells;
  ASSIGN_OR_RETURN(CpuSet free, GuestCpus(needs));
  double total = 0;
  for (std::size_t node = 0; node < cpus.size(); ++node) {
    RETURN_IF_ERROR(TakeCpus(needs, cpus[node], free));
    InstanceNumaCell cell;
    cell.id = static_cast<std::int64_t>(node);
    cell.cpuset = cpus[node];
    cell.memory = memory[node];
    total += static_cast<double>(memory[node]);
    cells.push_back(std::move(cell));
  }
  if (!free.Empty()) {
    return FlavorRefused("ImageNUMATopologyCPUsUnassigned", "hw:numa_cpus",
                         "no NUMA node has the CPUs " + FormatCpuSpec(free));
  }
  if (total != static_cast<double>(needs.flavor.memory_mb)) {
    return FlavorRefused("ImageNUMATopologyMemoryOutOfRange", "hw:numa_mem",
                         "the memory of the NUMA nodes is not that of the guest");
  }
  return cells;
}

// Cells with all of their CPUs in cpuset.
Expected<Cells> LayOut(const GuestNeeds& needs, std::int64_t nodes) {
  ASSIGN_OR_RETURN(const CpuLists cpus, NumaCpus(needs));
  ASSIGN_OR_RETURN(const MemLists memory, NumaMem(needs));
  if (!cpus && !memory) return EvenCells(needs, nodes);
  const auto count = static_cast<std::size_t>(nodes);
  if (!cpus || !memory || cpus->size() != count || memory->size() != count) {
    return FlavorRefused("ImageNUMATopologyIncomplete", "hw:numa_cpus",
                         "each NUMA node needs its CPUs and its memory");
  }
  return ListedCells(needs, *cpus, *memory);
}

}  // namespace

Expected<std::optional<InstanceNumaTopology>> NumaConstraints(const GuestNeeds& needs) {
  ASSIGN_OR_RETURN(const CpuWishes wishes, ReadCpuWishes(needs));
  ASSIGN_OR_RETURN(const std::int64_t nodes, NumaNodes(needs));
  ASSIGN_OR_RETURN(const auto raw_pagesize, RawPageSize(needs));
  ASSIGN_OR_RETURN(const auto pagesize, PageSizeConstraint(needs));
  RETURN_IF_ERROR(LockedMemoryConstraint(needs).status());

  const bool pinned = wishes.policy == CpuPolicy::kDedicated || wishes.policy == CpuPolicy::kMixed;
  if (nodes == 0 && raw_pagesize.value_or(0) == 0 && Vpmems(needs).empty() && !pinned) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const CpuSet all, GuestCpus(needs));
  CpuSet dedicated;
  if (wishes.policy == CpuPolicy::kDedicated) dedicated = all;
  if (wishes.policy == CpuPolicy::kMixed) {
    dedicated = wishes.dedicated ? *wishes.dedicated : *wishes.realtime;
  }

  InstanceNumaTopology topology;
  topology.emulator_threads_policy = wishes.emulator_threads;
  ASSIGN_OR_RETURN(topology.cells, LayOut(needs, nodes == 0 ? 1 : nodes));
  if (wishes.empty_thread_policy) {
    return FlavorRefused("ValueError", "hw:cpu_thread_policy", "the CPU thread policy is empty");
  }
  for (auto& cell : topology.cells) {
    cell.pcpuset = cell.cpuset & dedicated;
    cell.cpuset -= dedicated;
    cell.pagesize = pagesize;
    cell.cpu_policy = wishes.policy;
    cell.cpu_thread_policy = wishes.threads;
  }
  return topology;
}

}  // namespace kilonova::hardware
