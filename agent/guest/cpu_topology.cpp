// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/cpu_topology.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

constexpr std::int64_t kNoLimit = 65536;  // Nova's

std::int64_t Value(const std::map<std::string, std::string>& from, const std::string& key) {
  const auto at = from.find(key);
  if (at == from.end()) return 0;
  return ParseNumber(at->second).value_or(0);
}

CpuTopology Read(const std::map<std::string, std::string>& from, const std::string& prefix) {
  return {Value(from, prefix + "sockets"), Value(from, prefix + "cores"),
          Value(from, prefix + "threads")};
}

bool AnyOver(const CpuTopology& have, const CpuTopology& most) {
  return have.sockets > most.sockets || have.cores > most.cores || have.threads > most.threads;
}

// How many of the wanted parts a topology has.
int Score(const CpuTopology& have, const CpuTopology& want) {
  int score = 0;
  if (want.sockets != 0 && have.sockets == want.sockets) ++score;
  if (want.cores != 0 && have.cores == want.cores) ++score;
  if (want.threads != 0 && have.threads == want.threads) ++score;
  return score;
}

std::vector<CpuTopology> Possible(std::int64_t vcpus, const CpuTopology& most) {
  std::vector<CpuTopology> all;
  for (std::int64_t sockets = 1; sockets <= std::min(vcpus, most.sockets); ++sockets) {
    if (vcpus % sockets != 0) continue;
    const std::int64_t rest = vcpus / sockets;
    for (std::int64_t cores = 1; cores <= std::min(rest, most.cores); ++cores) {
      if (rest % cores != 0 || rest / cores > most.threads) continue;
      all.push_back({sockets, cores, rest / cores});
    }
  }
  return all;
}

}  // namespace

Expected<CpuTopology> ChooseTopology(const model::Flavor& flavor, const model::ImageSource& image) {
  const CpuTopology flavor_max = Read(flavor.extra_specs, "hw:cpu_max_");
  const CpuTopology image_max = Read(image.properties, "hw_cpu_max_");
  const CpuTopology bound{flavor_max.sockets != 0 ? flavor_max.sockets : INT64_MAX,
                          flavor_max.cores != 0 ? flavor_max.cores : INT64_MAX,
                          flavor_max.threads != 0 ? flavor_max.threads : INT64_MAX};
  if (AnyOver(image_max, bound)) {
    return Error(Code::kInvalidArgument, reason::kImageInvalid,
                 "the image's CPU topology limits exceed the flavor's", {{"key", "hw_cpu_max_*"}});
  }
  const auto limit = [](std::int64_t of_image, std::int64_t of_flavor) {
    if (of_image != 0) return of_image;
    return of_flavor != 0 ? of_flavor : kNoLimit;
  };
  const CpuTopology most{limit(image_max.sockets, flavor_max.sockets),
                         limit(image_max.cores, flavor_max.cores),
                         limit(image_max.threads, flavor_max.threads)};

  CpuTopology want = Read(flavor.extra_specs, "hw:cpu_");
  if (AnyOver(want, most)) want = {0, 0, 0};
  const CpuTopology of_image = Read(image.properties, "hw_cpu_");
  if (AnyOver(of_image, most)) {
    return Error(Code::kInvalidArgument, reason::kImageInvalid,
                 "the image's CPU topology exceeds its limits or the flavor's",
                 {{"key", "hw_cpu_*"}});
  }
  if (of_image.sockets != 0 || of_image.cores != 0 || of_image.threads != 0) want = of_image;

  auto all = Possible(flavor.vcpus, most);
  if (all.empty()) {
    return Error(Code::kInvalidArgument, reason::kFlavorInvalid,
                 "no CPU topology within the limits has " + std::to_string(flavor.vcpus) + " vcpus",
                 {{"key", "hw:cpu_max_*"}});
  }
  // Closest to what is wanted; then most cores in all, most sockets, most threads.
  const auto rank = [&want](const CpuTopology& t) {
    return std::tuple(Score(t, want), t.sockets * t.cores, t.sockets, t.threads);
  };
  return *std::ranges::max_element(all, {}, rank);
}

}  // namespace kilonova::agent::guest
