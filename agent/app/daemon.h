// SPDX-License-Identifier: Apache-2.0
// The composition root: every adapter made and wired to the core, in an order that lets each
// outlive those who use it.
#pragma once

#include <chrono>
#include <memory>

#include "agent/app/options.h"

namespace kilonova::agent::app {

class Daemon {
 public:
  // Opens the journal and starts everything. The broker, libvirt and the scheduler need not be
  // there yet: each is connected to when it comes.
  static Expected<std::unique_ptr<Daemon>> Start(const Options& options);
  ~Daemon();

  // Takes nothing more from the queue, lets running operations end until `deadline` and sets the
  // rest aside in the journal. Guests are not touched. False when something was set aside.
  bool Drain(std::chrono::steady_clock::time_point deadline);
  // Makes a running Drain set everything aside now.
  void HurryDrain();

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kilonova::agent::app
