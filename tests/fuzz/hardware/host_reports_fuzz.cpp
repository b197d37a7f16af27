// SPDX-License-Identifier: Apache-2.0
// Lines of text as the NUMA cells of a host's report, a line a field, and as conditions on the
// hypervisor's version: what is taken is told and taken the same again.
#include <charconv>
#include <string>

#include "common/hardware/reported.h"
#include "common/hardware/version_predicate.h"
#include "tests/fuzz/require.h"

namespace {

using namespace kilonova;  // NOLINT(google-build-using-namespace)
using fuzz::NextLine;
using fuzz::Require;

std::int64_t Number(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

model::HostNumaCell Cell(std::string_view& rest) {
  model::HostNumaCell cell;
  cell.id = Number(NextLine(rest));
  cell.cpuset = NextLine(rest);
  cell.pcpuset = NextLine(rest);
  cell.memory_mb = Number(NextLine(rest));
  cell.pinned_cpus = NextLine(rest);
  cell.siblings = {std::string(NextLine(rest)), std::string(NextLine(rest))};
  cell.pages.push_back({Number(NextLine(rest)), Number(NextLine(rest)), 0, 0});
  return cell;
}

void CheckVersion(std::string_view text) {
  if (const auto version = hardware::StrictVersion::Parse(text)) {
    Require(version->Compare(*version) == 0);
  }
  if (const auto predicate = hardware::VersionPredicate::Parse(text)) {
    static_cast<void>(predicate->Satisfied(*hardware::StrictVersion::OfHypervisor(8'001'002)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::Text(data, size);
  CheckVersion(rest);
  std::vector<model::HostNumaCell> cells;
  while (!rest.empty()) cells.push_back(Cell(rest));
  const auto topology = hardware::FromReport(cells);
  if (!topology.ok()) {
    Require(!DetailsOf(topology.status()).empty());
    return 0;
  }
  const auto again = hardware::FromReport(hardware::ToReport(*topology));
  Require(again.ok() && *again == *topology);
  return 0;
}
