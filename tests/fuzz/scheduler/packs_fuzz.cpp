// SPDX-License-Identifier: Apache-2.0
// Any bytes as an instance and as a host's report in the scheduler's database: read, or refused;
// and what was read is written and read the same again.
#include <stdexcept>

#include "scheduler/adapters/store/instance_pack.h"
#include "scheduler/adapters/store/report_pack.h"
#include "tests/fuzz/require.h"

namespace {

using namespace kilonova::scheduler::adapters;  // NOLINT(google-build-using-namespace)
using kilonova::fuzz::Require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = kilonova::fuzz::Text(data, size);
  try {
    InstanceUnpacker unpacker;
    const std::string written = PackInstance(unpacker.Unpack(bytes));
    Require(PackInstance(InstanceUnpacker().Unpack(std::string_view(written).substr(1))) ==
            written);
  } catch (const std::invalid_argument&) {
  }
  try {
    const std::string written = PackReport(UnpackReport(bytes));
    Require(PackReport(UnpackReport(std::string_view(written).substr(1))) == written);
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
