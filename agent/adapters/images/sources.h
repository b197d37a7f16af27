// SPDX-License-Identifier: Apache-2.0
// The two places an image comes from. Each reads it once, from its first byte to its last, into a
// sink, and ends as soon as the sink or the stop token says so.
#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/adapters/images/download.h"
#include "agent/adapters/images/options.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

// A regular file below one of `roots`, reached without following any link.
Status ReadFileSource(const std::string& url, const std::vector<std::filesystem::path>& roots,
                      ByteSink& sink, const std::stop_token& stop);

struct HttpOutcome {
  Status status;
  bool worth_retrying = false;  // 5xx, or the connection failed before any byte came
};

// One attempt, redirects on the same host included.
HttpOutcome ReadHttpSource(const std::string& url, const HttpOptions& options,
                           std::chrono::steady_clock::time_point deadline, ByteSink& sink,
                           const std::stop_token& stop);

}  // namespace kilonova::agent::adapters::images
