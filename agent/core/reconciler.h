// SPDX-License-Identifier: Apache-2.0
// Journal x libvirt x instance directories: finds what does not fit and says what to do. At start,
// after each reconnection to libvirt and every minute.
//
//   record, power differs        -> observe it
//   record, building, no message -> abandon it (undo and report)
//   domain of ours, no record    -> adopt it: a record from its tag; the guest is never touched
//   directory, nobody's          -> quarantine it: moved to quarantine/<uuid>.<seconds>, kept for a
//                                   day, since a lost journal must not cost anybody a disk
//
// Nobody's is a directory without record, message or job whose uuid libvirt does not know at all.
#pragma once

#include <functional>
#include <set>

#include "agent/core/operation.h"

namespace kilonova::agent::core {

class Reconciler {
 public:
  struct Orders {
    std::function<bool(const Uuid&)> busy;     // an operation is queued or running for it
    std::function<void(const Uuid&)> observe;  // in its line of the queue
    std::function<void(const InstanceRecord&)> abandon;
  };
  Reconciler(Services& services, Orders orders) : services_(services), orders_(std::move(orders)) {}

  // One thread at a time. Does nothing while libvirt cannot be read or the journal
  // cannot be written.
  Status Run();

 private:
  void CheckRecords(const std::vector<InstanceRecord>& records,
                    const std::vector<DomainInfo>& domains);
  void Adopt(const DomainInfo& domain);
  void CheckDirectories(const std::set<Uuid>& known);
  void Quarantine(const Uuid& uuid);
  void EmptyQuarantine();

  Services& services_;
  const Orders orders_;
};

}  // namespace kilonova::agent::core
