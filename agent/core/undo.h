// SPDX-License-Identifier: Apache-2.0
// Taking back what a build made (step::kUndo), at its end or, when that fails, again and again
// until it is done.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "agent/core/operation.h"

namespace kilonova::agent::core {

// Guest, network and files of the operation's instance. Parks while libvirt is away.
Status UndoSteps(Operation& op, bool domain_possible, const std::vector<model::NicRequest>& nics);

// One more try for a record whose undo is pending; removes the record when it is done.
std::unique_ptr<Runnable> MakeUndo(Services& services, const InstanceRecord& record,
                                   Cancellation& cancel);

// When to try which again: first after `first`, then after twice that, at most after `most`. What
// it forgets over a restart only makes the next try come sooner. One thread.
class UndoRetries {
 public:
  UndoRetries(std::chrono::milliseconds first, std::chrono::milliseconds most)
      : first_(first), most_(most) {}
  // True when it is time; the next time is then set.
  bool Due(const Uuid& instance, SteadyTime now);
  // Forgets whatever is not in `pending`.
  void KeepOnly(const std::vector<Uuid>& pending);
  // Until the earliest try; nothing when there is none.
  std::optional<SteadyTime> Next() const;

 private:
  struct Try {
    SteadyTime at;
    Backoff backoff;
  };
  const std::chrono::milliseconds first_, most_;
  std::map<Uuid, Try> tries_;
};

}  // namespace kilonova::agent::core
