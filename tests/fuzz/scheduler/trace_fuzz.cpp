// SPDX-License-Identifier: Apache-2.0
// Any text as a line of a trace of VMs.
#include "scheduler/replay/trace.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kilonova::fuzz::Require;
  const auto vm = kilonova::scheduler::replay::ParseTraceLine(kilonova::fuzz::Text(data, size));
  if (!vm.ok()) {
    Require(!kilonova::Message(vm.status()).empty());
    return 0;
  }
  Require(vm->centicores > 0 && vm->memory_mb > 0 && vm->start <= vm->end);
  return 0;
}
