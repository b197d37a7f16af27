// SPDX-License-Identifier: Apache-2.0
// The composition root: every part made once, in order, and let go in the opposite one.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "scheduler/app/options.h"

namespace kilonova::scheduler::app {

class Scheduler {
 public:
  // Lock, store, engine, conductor, relay, server: serving when it returns.
  static Expected<std::unique_ptr<Scheduler>> Start(const Options& options);
  ~Scheduler();

  const std::string& address() const;  // what the API listens on, with the port that was bound
  int metrics_port() const;            // 0 = none
  // About every second: leases, retries, retention.
  void Tick();
  // Not OK when only a restart helps.
  Status Health() const;
  // Adds what is new in flavor_dir; a file that is no good changes nothing.
  Status LoadFlavors();
  // NOT_SERVING, no new calls, those under way finished, the relay stopped.
  void Drain();

 private:
  struct Parts;
  explicit Scheduler(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kilonova::scheduler::app
