// SPDX-License-Identifier: Apache-2.0
// The side that gives orders and wants to know. Two adapters: agent/adapters/scheduler (Kilonova's
// own, one gRPC stream) now; a stock OpenStack later.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/flavor.h"

namespace kilonova::agent::core {

class ControlPlane {
 public:
  virtual ~ControlPlane() = default;

  // Start permission: compare-and-set on the generation, one winner, idempotent for the same host
  // and generation. OK: start it. CLAIM_STALE: clean up, do not start. UNAVAILABLE: not known; the
  // caller asks again and meanwhile does not start.
  virtual Status ConfirmStart(const Uuid& instance, std::int64_t generation) = 0;

  // The template of this name with this content hash, waiting up to `wait` for it to be synced.
  // FLAVOR_NOT_FOUND when no template of this flavorid is known, else the closest revision known
  // (the current one), for the caller to say what differs.
  virtual Expected<model::Flavor> Template(const std::string& flavorid,
                                           const std::string& content_hash,
                                           std::chrono::milliseconds wait) = 0;

  // Journal reports are waiting; wakes the sender. Never blocks.
  virtual void ReportsWaiting() = 0;
  // Host facts or the set of running instances changed; wakes the sender. Never blocks.
  virtual void HostChanged() = 0;
};

}  // namespace kilonova::agent::core
