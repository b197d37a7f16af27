// SPDX-License-Identifier: Apache-2.0
// Decides requests on hosts read from a JSON file, one after the other, each claim kept, and prints
// what was chosen and how long each decision took: one side of tests/bench/nova_scheduler.py.
//
//   scheduler_decide_bench FILE [--full-scan]
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scheduler/weighers/weighers.h"
#include "tests/bench/scheduler/fleets.h"

namespace kilonova::scheduler::bench {
namespace {

using Json = nlohmann::json;

core::HostState HostOf(const Json& json) {
  const auto inventory = [](std::int64_t total, double ratio) {
    model::Inventory made;
    made.total = total;
    made.allocation_ratio = ratio;
    return made;
  };
  core::HostState host;
  host.host = host.node = json.at("host");
  host.cell = json.at("cell");
  host.up = json.at("up");
  host.inventories = {
      {"VCPU", inventory(json.at("vcpus"), json.at("cpu_allocation_ratio"))},
      {"MEMORY_MB", inventory(json.at("memory_mb"), json.at("ram_allocation_ratio"))},
      {"DISK_GB", inventory(json.at("disk_gb"), json.at("disk_allocation_ratio"))}};
  host.hypervisor_type = "QEMU";
  host.hypervisor_version = 7002000;
  host.supported_instances = {{"x86_64", "qemu", "hvm"}, {"x86_64", "kvm", "hvm"}};
  return host;
}

core::PlacementRequest RequestOf(const Json& json) {
  core::PlacementRequest request;
  request.flavor.flavorid = request.flavor.name = json.at("flavor");
  request.flavor.vcpus = json.at("vcpus");
  request.flavor.memory_mb = json.at("memory_mb");
  request.flavor.root_gb = json.at("root_gb");
  request.image_properties = {{"hw_architecture", "x86_64"}};
  for (std::size_t i = 0; i < json.at("count"); ++i) request.instances.push_back(Uuid::Random());
  return request;
}

int Run(const char* path, bool full_scan) {
  std::ifstream file(path);
  const Json input = Json::parse(file);
  const auto engine = MakeEngine(full_scan);
  for (const auto& host : input.at("hosts")) {
    if (!engine->UpsertHost(HostOf(host)).ok()) return 1;
  }
  std::vector<core::PlacementRequest> requests;
  for (const auto& request : input.at("requests")) requests.push_back(RequestOf(request));
  Json chosen = Json::array();
  Json took = Json::array();
  static_cast<void>(engine->DryRun(requests.at(0)));  // indexes the hosts
  for (const auto& request : requests) {
    const auto start = std::chrono::steady_clock::now();
    const auto result = engine->Place(request, {.alternates = input.at("alternates")});
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    took.push_back(seconds.count());
    if (!result.ok()) return 1;
    Json selections = Json::array();
    for (const auto& selection : result->selections) {
      Json hosts = {selection.chosen.host};
      for (const auto& alternate : selection.alternates) hosts.push_back(alternate.host);
      selections.push_back(hosts);
    }
    chosen.push_back(selections);
  }
  const Json output{
      {"chosen", chosen}, {"seconds", took}, {"weighers", weighers::DefaultWeighers()}};
  std::puts(output.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace kilonova::scheduler::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: scheduler_decide_bench FILE [--full-scan]\n", stderr);
    return 2;
  }
  return kilonova::scheduler::bench::Run(argv[1], argc > 2);
}
