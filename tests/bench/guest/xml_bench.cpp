// SPDX-License-Identifier: Apache-2.0
// From inputs to domain XML over the vectors that become documents: disks placed, guest described,
// document written. The NUMA topologies are those of the vectors, fitted before.
#include <benchmark/benchmark.h>

#include <vector>

#include "tests/unit/agent/guest/xml_vectors.h"
#include "tests/unit/common/hardware/numa_json.h"

namespace kilonova::testing {
namespace {

struct Guest {
  agent::guest::GuestConfig config;
  agent::core::GuestCapabilities host;
  agent::guest::GuestInput input;
};

std::vector<Guest> Guests() {
  const auto family = hardware::testing::LoadVectors("libvirt_xml.json");
  std::vector<Guest> guests;
  for (const auto& vector : family["vectors"]) {
    const auto& result = vector["result"];
    if (!result.contains("xml")) continue;
    Guest guest{ConfigOf(vector), HostOf(family, vector), InputOf(family, vector).value()};
    if (result.contains("instance_numa_topology")) {
      guest.input.numa = hardware::testing::InstanceFrom(result["instance_numa_topology"]);
      guest.input.host_numa = hardware::testing::HostFrom(result["host_numa_topology"]);
    }
    guests.push_back(std::move(guest));
  }
  return guests;
}

void BM_DomainXml(benchmark::State& state) {
  const std::vector<Guest> guests = Guests();
  std::size_t next = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const Guest& guest = guests[next++ % guests.size()];
    const auto disks = agent::guest::PlaceDisks(guest.config, guest.input);
    const auto domain = agent::guest::DescribeGuest(guest.config, guest.host, guest.input, *disks);
    const auto xml = agent::guest::DomainXml(*domain);
    if (!xml.ok()) state.SkipWithError("a vector was refused");
    bytes += xml->size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(BM_DomainXml)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kilonova::testing
