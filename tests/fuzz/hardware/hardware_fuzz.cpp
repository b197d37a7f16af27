// SPDX-License-Identifier: Apache-2.0
// Lines of name=value as a flavor's extra specs and an image's properties: every constraint is read
// from them, what fits is fitted and counted, and a set of CPUs comes out of its text as it went
// in.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/hardware/constraints.h"
#include "common/hardware/fit.h"

namespace {

using namespace kilonova;
using namespace kilonova::hardware;

HostNumaTopology Host() {
  HostNumaTopology host;
  for (std::int64_t id = 0; id < 2; ++id) {
    HostNumaCell cell;
    cell.id = id;
    cell.memory = 8192;
    const auto first = static_cast<CpuId>(id * 8);
    cell.cpuset = cell.pcpuset = CpuSet::Range(first, first + 7);
    for (CpuId cpu = first; cpu < first + 8; cpu += 2) cell.siblings.push_back({cpu, cpu + 1});
    cell.mempages = {{4, 1 << 20, 0, 0}, {2048, 2048, 0, 0}};
    host.cells.push_back(std::move(cell));
  }
  return host;
}

void ReadSpec(std::string_view text) {
  const auto cpus = ParseCpuSpec(text);
  if (cpus.ok() && *ParseCpuSpec(FormatCpuSpec(*cpus)) != *cpus) std::abort();
}

void ReadAll(const GuestNeeds& needs) {
  const auto numa = NumaConstraints(needs);
  static_cast<void>(BestCpuTopology(needs));
  static_cast<void>(MemEncryptionConstraint(needs));
  static_cast<void>(NumberOfSerialPorts(needs));
  static_cast<void>(VtpmConstraint(needs));
  static_cast<void>(SecureBootConstraint(needs));
  static_cast<void>(PciNumaPolicyConstraint(needs));
  static_cast<void>(VifMultiqueueConstraint(needs));
  if (!numa.ok() || !*numa) return;
  for (const auto& cell : (*numa)->cells) {
    if (cell.memory < 0) return;  // Nova takes it, so does this; there is no counting it
  }
  const HostNumaTopology host = Host();
  const auto fitted = FitInstanceSoundly({.host = host, .instance = **numa});
  if (!fitted.ok() || !*fitted) return;
  const auto after = UsageAfter(host, **fitted, Usage::kTake);
  if (!after.ok() || *UsageAfter(*after, **fitted, Usage::kFree) != host) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  ReadSpec(rest);
  model::Flavor flavor;
  flavor.vcpus = size > 0 ? 1 + data[0] % 32 : 1;
  flavor.memory_mb = 1024;
  std::map<std::string, std::string> properties;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : rest.size());
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name(line.substr(0, equals));
    (name.find(':') != std::string::npos ? flavor.extra_specs : properties)[name] =
        line.substr(equals + 1);
  }
  const auto image = ImageProps::From(properties);
  if (image.ok()) ReadAll({.flavor = flavor, .image = *image});
  return 0;
}
