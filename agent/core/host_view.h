// SPDX-License-Identifier: Apache-2.0
// What the session with the scheduler says about this host and asks of it. Implemented by
// core::Agent, used by agent/adapters/scheduler next to Journal (PendingReports, AckReports,
// JournalId). Every call may come from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/reports.h"

namespace kilonova::agent::core {

struct ConsoleTail {
  std::string output;      // the last bytes the guest wrote, byte for byte
  bool truncated = false;  // there was more before them
  // "host:port" of each serial console on a TCP port, by ordinal; IPv6 in brackets.
  std::vector<std::string> serial_consoles{};
};

// An instance (or an earlier generation of one) the scheduler says is over.
struct StaleInstance {
  Uuid uuid;
  std::int64_t generation = 0;  // up to and with this one
};

class HostView {
 public:
  virtual ~HostView() = default;

  // The full set as of now. Takes libvirt's word where it can be had; while libvirt is away, the
  // last facts with a degraded reason. UNAVAILABLE only before libvirt was ever reached.
  virtual Expected<model::HostReport> Report() = 0;
  // All this host has or is building.
  virtual Expected<std::vector<model::HostInstance>> Instances() = 0;
  // Running totals: "messages_refused.MESSAGE_MALFORMED", "builds.done"...
  virtual std::map<std::string, std::int64_t> Counters() const = 0;
  // At most `max_bytes` and never more than model::kMaxConsoleBytes. INSTANCE_NOT_FOUND when it is
  // not here; empty output while the guest has written nothing.
  virtual Expected<ConsoleTail> Console(const Uuid& instance, std::size_t max_bytes) = 0;
  // From Welcome. Removed in the background: what carries this host's tag, up to that generation.
  virtual void RemoveStale(const std::vector<StaleInstance>& stale) = 0;
};

}  // namespace kilonova::agent::core
