// SPDX-License-Identifier: Apache-2.0
// Journal x libvirt x instance directories: finds what does not fit and says what to do. At start,
// after each reconnection to libvirt and every minute.
//
//   record, power differs        -> observe it
//   record, must be stopped      -> observed again every sync_power_state_interval: as Nova's
//                                   periodic task, the scheduler then stops it
//   record, building, no message -> abandon it (undo and report)
//   record, undo pending         -> undo it, again and again with backoff until it is done
//   domain of ours, no record    -> adopt it: a record from its tag; the guest is never touched
//   directory, nobody's          -> quarantine it: moved to quarantine/<uuid>.<seconds>, kept for a
//                                   day, since a lost journal must not cost anybody a disk
//
// Nobody's is a directory without record, message or job whose uuid libvirt does not know at all.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "agent/core/operation.h"
#include "agent/core/undo.h"

namespace kilonova::agent::core {

class Reconciler {
 public:
  struct Orders {
    std::function<bool(const Uuid&)> busy;  // an operation is queued or running for it
    std::function<void(const Uuid&, bool repeat)> observe;  // in its line of the queue
    std::function<void(const InstanceRecord&)> abandon, undo;
  };
  Reconciler(Services& services, Orders orders)
      : services_(services),
        orders_(std::move(orders)),
        undo_retries_(services.settings.undo_retry_first, services.settings.undo_retry_most) {}

  // One thread at a time. Does nothing while libvirt cannot be read or the journal
  // cannot be written.
  Status Run();
  // Between the runs: the undos whose time has come. Returns when the next one's comes.
  std::optional<SteadyTime> RetryUndos();

 private:
  void CheckRecords(const std::vector<InstanceRecord>& records,
                    const std::vector<DomainInfo>& domains);
  void RepeatIfNotStopped(const InstanceRecord& record, model::PowerState seen);
  void Adopt(const DomainInfo& domain);
  void CheckDirectories(const std::set<Uuid>& known);
  void Quarantine(const Uuid& uuid);
  void EmptyQuarantine();

  Services& services_;
  const Orders orders_;
  UndoRetries undo_retries_;
  std::map<Uuid, SteadyTime> told_to_stop_;
};

}  // namespace kilonova::agent::core
