// SPDX-License-Identifier: Apache-2.0
// One guest to one host, for each case of cases.json. With --answers it prints where the guests go
// instead: tests/bench/nova_numa.py compares that, and the times, with Nova's.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string_view>

#include "tests/unit/common/hardware/numa_json.h"

namespace kilonova::hardware {
namespace {

using testing::Json;

struct Case {
  explicit Case(const Json& json)
      : host(testing::HostFrom(json.at("host"))),
        instance(testing::InstanceFrom(json.at("instance"))),
        limits(testing::LimitsFrom(json.at("limits"))),
        requests(testing::RequestsFrom(json.at("pci_requests"))),
        has_stats(!json.at("pci_device_pools").is_null()),
        stats(testing::PoolsFrom(json.at("pci_device_pools"))) {}

  Expected<std::optional<InstanceNumaTopology>> Fit() const {
    return FitInstanceToHost({.host = host,
                              .instance = instance,
                              .limits = limits ? &*limits : nullptr,
                              .pci_requests = &requests,
                              .pci_stats = has_stats ? &stats : nullptr});
  }

  HostNumaTopology host;
  InstanceNumaTopology instance;
  std::optional<NumaLimits> limits;
  std::vector<PciRequest> requests;
  bool has_stats;
  PciStats stats;
};

Json LoadCases() {
  std::ifstream in(KILONOVA_SOURCE_DIR "/tests/bench/hardware/cases.json");
  return Json::parse(in).at("cases");
}

int PrintAnswers(const Json& cases) {
  Json answers;
  for (const auto& json : cases) {
    const auto fitted = Case(json).Fit();
    if (!fitted.ok()) return EXIT_FAILURE;
    answers[json.at("id").get<std::string>()] = *fitted ? testing::ToJson(**fitted) : Json();
  }
  std::cout << answers << "\n";
  return EXIT_SUCCESS;
}

int Run(int argc, char** argv) {
  const Json cases = LoadCases();
  if (argc > 1 && std::string_view(argv[1]) == "--answers") return PrintAnswers(cases);
  for (const auto& json : cases) {
    benchmark::RegisterBenchmark(("Fit/" + json.at("id").get<std::string>()).c_str(),
                                 [fit = Case(json)](benchmark::State& state) {
                                   for (auto _ : state) benchmark::DoNotOptimize(fit.Fit());
                                 });
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace kilonova::hardware

int main(int argc, char** argv) { return kilonova::hardware::Run(argc, argv); }
