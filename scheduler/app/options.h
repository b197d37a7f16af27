// SPDX-License-Identifier: Apache-2.0
// Everything the scheduler can be told; deploy/config/scheduler.yaml explains each key.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/runtime/config.h"
#include "common/runtime/logging.h"
#include "proto/amqp/settings.h"
#include "scheduler/adapters/grpc/api_server.h"
#include "scheduler/core/conductor.h"
#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"

namespace kilonova::scheduler::app {

struct PlacementOptions {
  std::vector<std::string> filters, weighers;
  filters::FilterOptions filter_options;
  weighers::WeigherOptions weigher_options;
  std::size_t host_subset_size = 1;
  bool shuffle_best_same_weighed_hosts = false;
  std::uint64_t shuffle_seed = 0;  // 0 = another one at each start
};

struct Options {
  adapters::grpc::ApiOptions api;
  std::filesystem::path state_dir;
  std::filesystem::path database;
  std::filesystem::path flavor_dir;  // "" = none
  amqp::ConnectionSettings amqp;
  core::ConductorOptions conductor;
  PlacementOptions placement;
  std::string metrics_listen;  // "" = none
  std::chrono::milliseconds drain{};
  runtime::LogOptions log;
};

// Asks `config` for every key and finishes it. CONFIG_INVALID with all that is wrong.
Expected<Options> ReadOptions(runtime::Config& config);

}  // namespace kilonova::scheduler::app
