// SPDX-License-Identifier: Apache-2.0
// `kilonova-scheduler replay`: a trace or a generated workload through the engine, one line for
// each policy and fleet size.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/replay/generator.h"

namespace kilonova::scheduler::app {

class ReplayCommand {
 public:
  explicit ReplayCommand(CLI::App& app);
  bool asked() const { return command_->parsed(); }
  // 0, or 1 with the reason on stderr.
  int Run() const;

 private:
  CLI::App* command_;
  std::string trace_;
  replay::WorkloadOptions workload_;
  std::vector<std::string> policies_{"spread", "best-fit", "balance", "lifetime"};
  std::vector<double> peaks_{90, 93, 97};
  std::int64_t hosts_ = 0;
  double host_cores_ = 96, host_gb_ = 768;
  std::string output_ = "table";
};

}  // namespace kilonova::scheduler::app
