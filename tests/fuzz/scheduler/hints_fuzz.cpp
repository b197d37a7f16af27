// SPDX-License-Identifier: Apache-2.0
// Whatever a tenant hints at: a query is judged or refused, and what ValidateHints lets pass keeps
// its promises. The first line of the input names the hint, each further one is a value.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "scheduler/core/fleet.h"
#include "scheduler/core/query_bounds.h"
#include "scheduler/filters/filters.h"

namespace {

using namespace kilonova::scheduler;  // NOLINT(google-build-using-namespace)

const core::Fleet& TestFleet() {
  static const core::Fleet* const fleet = [] {
    auto* made = new core::Fleet();
    core::HostState host;
    host.host = "cn-1";
    host.host_ip = "10.0.0.1";
    host.stats = {{"num_instances", "3"}, {"gen", "4"}};
    host.supported_instances = {{"x86_64", "kvm", "hvm"}};
    host.metrics = {{"cpu.percent", 10.0}};
    if (!made->Upsert(host).ok()) std::abort();
    host.host = "cn-2";
    host.host_ip = "fe80::1";
    if (!made->Upsert(host).ok()) std::abort();
    return made;
  }();
  return *fleet;
}

void Judge(const core::Hints& hints) {
  static const auto* const filters = new auto(*filters::MakeFilters(
      {"JsonFilter", "SimpleCIDRAffinityFilter", "SameHostFilter", "DifferentHostFilter"}, {}));
  core::PlacementRequest request;
  request.hints = hints;
  for (const auto& filter : *filters) {
    const auto prepared = filter->Prepare(TestFleet(), request);
    if (!prepared.ok() || *prepared == nullptr) continue;
    for (core::HostIndex host = 0; host < TestFleet().Slots(); ++host) {
      core::FilterVerdict verdict;
      (*prepared)->Judge(TestFleet(), host);
      (*prepared)->Describe(TestFleet(), host, verdict);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  core::Hints hints;
  std::size_t at = std::min(text.find('\n'), size);
  auto& values = hints[text.substr(0, at)];
  while (at < size) {
    const std::size_t end = std::min(text.find('\n', at + 1), size);
    values.push_back(text.substr(at + 1, end - at - 1));
    at = end;
  }
  const auto valid = core::ValidateHints(hints);
  if (valid.ok()) {
    for (const auto& [name, kept] : *valid) {
      if (name.starts_with("_") || kept.size() > core::kMostHintValues) std::abort();
    }
    Judge(*valid);
  } else if (kilonova::Message(valid.status()).empty()) {
    std::abort();
  }
  // The filters stand on their own feet too.
  if (!hints.begin()->first.empty()) Judge(hints);
  return 0;
}
