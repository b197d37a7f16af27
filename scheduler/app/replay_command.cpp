// SPDX-License-Identifier: Apache-2.0
#include "scheduler/app/replay_command.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "scheduler/replay/replay.h"

namespace kilonova::scheduler::app {
namespace {

struct Row {
  double peak = 0;  // percent; 0 when the number of hosts was given
  std::int64_t hosts = 0;
  replay::Policy policy{};
  replay::ReplayResult result;

  double RefusedShare() const {
    return result.asked_centicores > 0 ? result.refused_centicores / result.asked_centicores : 0;
  }
  double Rate() const {
    return result.seconds > 0 ? static_cast<double>(result.decisions) / result.seconds : 0;
  }
};

nlohmann::json ToJson(const Row& row) {
  nlohmann::json classes;
  for (std::size_t i = 0; i < replay::kSizeClasses.size(); ++i) {
    classes[std::string(replay::kSizeClasses[i])] = row.result.refused_by_class[i] / 100;
  }
  return {{"peak_percent", row.peak},
          {"hosts", row.hosts},
          {"policy", replay::NameOf(row.policy)},
          {"decisions", row.result.decisions},
          {"decisions_per_second", row.Rate()},
          {"refused", row.result.refused},
          {"refused_cores", row.result.refused_centicores / 100},
          {"refused_share", row.RefusedShare()},
          {"refused_cores_by_class", classes},
          {"empty_hosts", row.result.empty_hosts},
          {"cpu_density", row.result.cpu_density},
          {"memory_density", row.result.memory_density},
          {"stranded_cores", row.result.stranded_cores},
          {"stranded_gb", row.result.stranded_gb}};
}

void PrintTable(const std::vector<Row>& rows) {
  std::printf("%5s %6s %-9s %7s %7s %7s %8s %8s %7s %8s   %-31s %8s\n", "peak", "hosts", "policy",
              "empty", "cpu", "memory", "stranded", "stranded", "refused", "refused",
              "refused cores by size of VM", "placings");
  std::printf("%5s %6s %-9s %7s %7s %7s %8s %8s %7s %8s   %7s %7s %7s %7s %8s\n", "%", "", "", "% ",
              "% ", "% ", "cores", "GB", "VMs", "% cores", "<4", "4-7", "8-15", ">=16", "a second");
  for (const Row& row : rows) {
    const auto& r = row.result;
    std::printf(
        "%5.0f %6lld %-9s %7.2f %7.2f %7.2f %8.0f %8.0f %7lld %8.3f   "
        "%7.0f %7.0f %7.0f %7.0f %8.0f\n",
        row.peak, static_cast<long long>(row.hosts),
        std::string(replay::NameOf(row.policy)).c_str(), r.empty_hosts * 100, r.cpu_density * 100,
        r.memory_density * 100, r.stranded_cores, r.stranded_gb, static_cast<long long>(r.refused),
        row.RefusedShare() * 100, r.refused_by_class[0] / 100, r.refused_by_class[1] / 100,
        r.refused_by_class[2] / 100, r.refused_by_class[3] / 100, row.Rate());
  }
}

int Fail(const Status& status) {
  std::fprintf(stderr, "kilonova-scheduler replay: %s\n", Message(status).c_str());
  return 1;
}

}  // namespace

ReplayCommand::ReplayCommand(CLI::App& app)
    : command_(app.add_subcommand(
          "replay", "Place a trace or a made workload with the production engine, on its clock")) {
  command_->add_option("--trace", trace_,
                       "CSV, plain or gzip (docs/packing.md); without it a workload is made");
  command_->add_option("--seed", workload_.seed, "Of the workload made");
  command_->add_option("--days", workload_.days, "Its length")->check(CLI::Range(0.5, 365.0));
  command_->add_option("--arrivals", workload_.arrivals, "VMs that arrive in that time, about");
  command_->add_option("--policy", policies_, "spread, best-fit, balance, lifetime")
      ->delimiter(',');
  command_->add_option("--peak", peaks_, "What the peak is of the fleet's capacity, in percent")
      ->delimiter(',')
      ->check(CLI::Range(1.0, 1000.0));
  command_->add_option("--hosts", hosts_, "So many hosts, whatever the peak");
  command_->add_option("--host-cores", host_cores_, "Cores of a host")->check(CLI::Range(1.0, 1e6));
  command_->add_option("--host-gb", host_gb_, "GiB of memory of a host")
      ->check(CLI::Range(1.0, 1e6));
  command_->add_option("-o,--output", output_, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
}

int ReplayCommand::Run() const {
  auto vms = trace_.empty() ? replay::GenerateWorkload(workload_) : replay::ReadTrace(trace_);
  if (!vms.ok()) return Fail(vms.status());
  const replay::HostSize host{std::llround(host_cores_ * 100), std::llround(host_gb_ * 1024)};
  const replay::Demand peak = replay::PeakDemand(*vms);
  std::vector<Row> rows;
  for (const double percent : hosts_ > 0 ? std::vector<double>{0} : peaks_) {
    for (const auto& name : policies_) {
      const auto policy = replay::ParsePolicy(name);
      if (!policy.ok()) return Fail(policy.status());
      Row row{
          percent, hosts_ > 0 ? hosts_ : replay::FleetFor(peak, host, percent / 100), *policy, {}};
      replay::ReplayOptions options;
      options.host = host;
      options.hosts = row.hosts;
      options.policy = *policy;
      if (trace_.empty()) {
        options.to_day = workload_.days;
        options.from_day = std::min(options.from_day, workload_.days / 4);
      }
      auto result = replay::Replay(*vms, options);
      if (!result.ok()) return Fail(result.status());
      row.result = *result;
      rows.push_back(row);
    }
  }
  if (output_ == "table") {
    PrintTable(rows);
  } else {
    nlohmann::json all = nlohmann::json::array();
    for (const Row& row : rows) all.push_back(ToJson(row));
    std::printf("%s\n", all.dump(2).c_str());
  }
  return 0;
}

}  // namespace kilonova::scheduler::app
