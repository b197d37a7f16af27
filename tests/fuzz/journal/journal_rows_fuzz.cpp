// SPDX-License-Identifier: Apache-2.0
// Any text in the columns of the agent's journal: read as it was written, or a damaged row.
#include <string>

#include "agent/adapters/journal/numa_text.h"
#include "agent/adapters/journal/rows.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilonova::agent::adapters::journal;  // NOLINT(google-build-using-namespace)
  using kilonova::fuzz::Require;
  const std::string text(kilonova::fuzz::Text(data, size));
  if (const auto numa = ReadNuma(text); numa.ok()) {
    const auto again = ReadNuma(WriteNuma(*numa));
    Require(again.ok() && *again == *numa);
  }
  if (const auto resources = ReadResources(text); resources.ok()) {
    const auto again = ReadResources(WriteResources(*resources));
    Require(again.ok() && *again == *resources);
  }
  if (const auto timings = ReadTimings(text); timings.ok()) {
    const auto again = ReadTimings(WriteTimings(*timings));
    Require(again.ok() && *again == *timings);
  }
  if (const auto ports = ReadPorts(text); ports.ok()) {
    const auto again = ReadPorts(WritePorts(*ports));
    Require(again.ok() && *again == *ports);
  }
  return 0;
}
