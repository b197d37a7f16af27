// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/topology.h"

#include <algorithm>
#include <array>

namespace kilonova::hardware {
namespace {

constexpr std::array<std::string_view, 4> kCpuPolicies = {"", "shared", "dedicated", "mixed"};
constexpr std::array<std::string_view, 4> kThreadPolicies = {"", "prefer", "isolate", "require"};
constexpr std::array<std::string_view, 3> kEmulatorPolicies = {"", "share", "isolate"};

template <class Policy, std::size_t Count>
std::optional<Policy> Find(const std::array<std::string_view, Count>& words,
                           std::string_view text) {
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) return std::nullopt;
  return static_cast<Policy>(found - words.begin());
}

template <class Policy, std::size_t Count>
std::string_view Word(const std::array<std::string_view, Count>& words, Policy policy) {
  return words[static_cast<std::size_t>(policy)];
}

}  // namespace

std::string_view ToText(CpuPolicy policy) { return Word(kCpuPolicies, policy); }
std::string_view ToText(CpuThreadPolicy policy) { return Word(kThreadPolicies, policy); }
std::string_view ToText(EmulatorThreadsPolicy policy) { return Word(kEmulatorPolicies, policy); }

std::optional<CpuPolicy> CpuPolicyFrom(std::string_view text) {
  return Find<CpuPolicy>(kCpuPolicies, text);
}

std::optional<CpuThreadPolicy> CpuThreadPolicyFrom(std::string_view text) {
  return Find<CpuThreadPolicy>(kThreadPolicies, text);
}

std::optional<EmulatorThreadsPolicy> EmulatorThreadsPolicyFrom(std::string_view text) {
  return Find<EmulatorThreadsPolicy>(kEmulatorPolicies, text);
}

CpuSet InstanceNumaCell::PinnedHostCpus() const {
  CpuSet cpus;
  for (const auto& [guest, host] : cpu_pinning) cpus.Add(host);
  return cpus;
}

void InstanceNumaTopology::ClearHostPinning() {
  for (auto& cell : cells) {
    cell.id = -1;
    cell.cpu_pinning.clear();
    cell.cpuset_reserved = {};
  }
}

bool HostNumaCell::HasThreads() const {
  return std::ranges::any_of(siblings, [](const CpuSet& core) { return core.Size() > 1; });
}

bool HostNumaTopology::HasThreads() const {
  return std::ranges::any_of(cells, &HostNumaCell::HasThreads);
}

}  // namespace kilonova::hardware
