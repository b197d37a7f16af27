// SPDX-License-Identifier: Apache-2.0
// Metrics in Prometheus' words behind a front of our own. Names begin with kilonova_, counters end
// in _total, times in _seconds; never an instance id in a label.
//
//   metrics.Count("kilonova_agent_messages_refused_total", {{"reason", reason}});
//   metrics.Observe("kilonova_agent_build_step_seconds", 0.012, {{"step", "define"}});
#pragma once

#include <map>
#include <memory>
#include <string>

namespace kilonova::runtime {

using Labels = std::map<std::string, std::string>;

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // All thread-safe; a series appears with its first use.
  void Count(const std::string& name, const Labels& labels = {}, double by = 1);
  void Set(const std::string& name, double value, const Labels& labels = {});
  // Into buckets from 0.1 ms to 100 s.
  void Observe(const std::string& name, double seconds, const Labels& labels = {});
  // Prometheus' text format.
  std::string Text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kilonova::runtime
