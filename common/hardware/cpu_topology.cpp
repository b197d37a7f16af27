// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <tuple>

#include "common/base/python_text.h"
#include "common/hardware/needs_text.h"

namespace kilonova::hardware {
namespace {

constexpr std::int64_t kNoLimit = 65536;  // Nova's

Expected<std::int64_t> FlavorCount(const GuestNeeds& needs, const std::string& name) {
  const auto text = FlavorText(needs, name);
  if (!text) return 0;
  const auto number = PyInt(*text);
  if (!number) return FlavorRefused("InvalidRequest", name, "the extra spec is not an integer");
  return *number;
}

Expected<CpuTopology> OfFlavor(const GuestNeeds& needs, const std::string& prefix) {
  CpuTopology topology;
  ASSIGN_OR_RETURN(topology.sockets, FlavorCount(needs, prefix + "sockets"));
  ASSIGN_OR_RETURN(topology.cores, FlavorCount(needs, prefix + "cores"));
  ASSIGN_OR_RETURN(topology.threads, FlavorCount(needs, prefix + "threads"));
  return topology;
}

CpuTopology OfImage(const GuestNeeds& needs, const std::string& prefix) {
  return {needs.image.Integer(prefix + "sockets").value_or(0),
          needs.image.Integer(prefix + "cores").value_or(0),
          needs.image.Integer(prefix + "threads").value_or(0)};
}

bool AnyOver(const CpuTopology& have, const CpuTopology& most) {
  return have.sockets > most.sockets || have.cores > most.cores || have.threads > most.threads;
}

std::int64_t FirstSet(std::int64_t a, std::int64_t b, std::int64_t otherwise) {
  if (a != 0) return a;
  return b != 0 ? b : otherwise;
}

// How many of the wanted parts a topology has.
int Score(const CpuTopology& have, const CpuTopology& want) {
  int score = 0;
  if (want.sockets != 0 && have.sockets == want.sockets) ++score;
  if (want.cores != 0 && have.cores == want.cores) ++score;
  if (want.threads != 0 && have.threads == want.threads) ++score;
  return score;
}

}  // namespace

Expected<CpuTopologyConstraints> GetCpuTopologyConstraints(const GuestNeeds& needs) {
  ASSIGN_OR_RETURN(const CpuTopology flavor_max, OfFlavor(needs, "hw:cpu_max_"));
  const CpuTopology image_max = OfImage(needs, "hw_cpu_max_");
  const CpuTopology bound{FirstSet(flavor_max.sockets, 0, INT64_MAX),
                          FirstSet(flavor_max.cores, 0, INT64_MAX),
                          FirstSet(flavor_max.threads, 0, INT64_MAX)};
  if (AnyOver(image_max, bound)) {
    return ImageRefused("ImageVCPULimitsRangeExceeded", "properties.hw_cpu_max_*",
                        "the image's CPU topology limits exceed the flavor's");
  }
  CpuTopologyConstraints constraints;
  CpuTopology& most = constraints.maximum;
  most = {FirstSet(image_max.sockets, flavor_max.sockets, kNoLimit),
          FirstSet(image_max.cores, flavor_max.cores, kNoLimit),
          FirstSet(image_max.threads, flavor_max.threads, kNoLimit)};

  ASSIGN_OR_RETURN(CpuTopology of_flavor, OfFlavor(needs, "hw:cpu_"));
  // The image may have lowered the limits below what the flavor prefers: then that is void.
  if (AnyOver(of_flavor, most)) of_flavor = {};
  const CpuTopology of_image = OfImage(needs, "hw_cpu_");
  if (AnyOver(of_image, most)) {
    return ImageRefused("ImageVCPUTopologyRangeExceeded", "properties.hw_cpu_*",
                        "the image's CPU topology exceeds its limits or the flavor's");
  }
  constraints.preferred = of_image == CpuTopology{} ? of_flavor : of_image;
  return constraints;
}

Expected<std::vector<CpuTopology>> PossibleCpuTopologies(std::int64_t vcpus,
                                                         const CpuTopology& maximum,
                                                         GuestThreads threads) {
  const std::int64_t most_threads = threads == GuestThreads::kAllowed ? maximum.threads : 1;
  std::vector<CpuTopology> possible;
  for (std::int64_t sockets = 1; sockets <= std::min(vcpus, maximum.sockets); ++sockets) {
    if (vcpus % sockets != 0) continue;
    const std::int64_t rest = vcpus / sockets;
    for (std::int64_t cores = 1; cores <= std::min(rest, maximum.cores); ++cores) {
      if (rest % cores != 0 || rest / cores > most_threads) continue;
      possible.push_back({sockets, cores, rest / cores});
    }
  }
  if (possible.empty()) {
    return FlavorRefused(
        "ImageVCPULimitsRangeImpossible", "hw:cpu_max_*",
        "no CPU topology within the limits has " + std::to_string(vcpus) + " vcpus");
  }
  std::ranges::sort(possible, std::ranges::greater(), [](const CpuTopology& t) {
    return std::tuple(t.sockets * t.cores, t.sockets, t.threads);
  });
  return possible;
}

Expected<std::vector<CpuTopology>> DesirableCpuTopologies(const GuestNeeds& needs,
                                                          GuestThreads threads) {
  ASSIGN_OR_RETURN(const CpuTopologyConstraints constraints, GetCpuTopologyConstraints(needs));
  ASSIGN_OR_RETURN(std::vector<CpuTopology> desirable,
                   PossibleCpuTopologies(needs.flavor.vcpus, constraints.maximum, threads));
  std::ranges::stable_sort(desirable, std::ranges::greater(),
                           [&](const CpuTopology& t) { return Score(t, constraints.preferred); });
  return desirable;
}

Expected<CpuTopology> BestCpuTopology(const GuestNeeds& needs, GuestThreads threads) {
  ASSIGN_OR_RETURN(const auto desirable, DesirableCpuTopologies(needs, threads));
  return desirable.front();
}

}  // namespace kilonova::hardware
