// SPDX-License-Identifier: Apache-2.0
// The agent's counters in Prometheus' words.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/runtime/metrics.h"

namespace kilonova::agent::app {

// "messages_refused.OBJECT_INVALID" becomes kilonova_agent_messages_refused_total with the label
// what="OBJECT_INVALID". Called before each scrape with the totals so far.
class CounterExport {
 public:
  explicit CounterExport(runtime::Metrics& metrics) : metrics_(metrics) {}
  void Update(const std::map<std::string, std::int64_t>& totals);

 private:
  runtime::Metrics& metrics_;
  std::map<std::string, std::int64_t> before_;
};

}  // namespace kilonova::agent::app
