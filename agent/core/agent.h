// SPDX-License-Identifier: Apache-2.0
// The agent: takes requests in, runs them, watches the guests, says how the host is. Everything
// outside is a port; agent/app wires it.
//
//   Agent agent(settings, ports);
//   RETURN_IF_ERROR(agent.Start());   // takes up what the journal holds; then let the queue in
//   ...
//   agent.StopTaking();               // the queue gets kDraining from now on
//   agent.Drain(deadline);            // guests are not touched
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/core/host_view.h"
#include "agent/core/operation.h"
#include "agent/core/reconciler.h"
#include "agent/core/request_sink.h"

namespace kilonova::agent::core {

class Agent final : public RequestSink, public HostView {
 public:
  Agent(AgentSettings settings, Ports ports);
  ~Agent() override;
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Reads the journal (its failure is fatal), begins what is unfinished, subscribes to libvirt.
  Status Start();
  void StopTaking();
  // Waits for running operations until `deadline`, then sets them aside in the journal. False when
  // something had to be set aside.
  bool Drain(SteadyTime deadline);
  void HurryDrain();

  SinkAnswer Submit(const IncomingRequest& incoming) override;
  void CountRefused(const Status& why) override;
  void SetReceiving(bool receiving, std::string_view why) override;

  Expected<model::HostReport> Report() override;
  Expected<std::vector<model::HostInstance>> Instances() override;
  std::map<std::string, std::int64_t> Counters() const override;
  Expected<ConsoleTail> Console(const Uuid& instance, std::size_t max_bytes) override;
  void RemoveStale(const std::vector<StaleInstance>& stale) override;

  // For tests: all queued work is done and every event was looked at.
  void WaitIdle();

 private:
  struct Ticket;  // one accepted message on its way through the queue

  SinkAnswer Refuse(const Status& why);
  void ReportRefused(const Status& why);
  void Enqueue(const JournalEntry& entry, std::shared_ptr<const model::ComputeRequest> request);
  void RunTicket(Ticket& ticket, Cancellation& cancel);
  std::unique_ptr<Runnable> Begin(Ticket& ticket, Cancellation& cancel);
  std::unique_ptr<Runnable> Dispatch(Ticket& ticket, const OperationHead& head,
                                     Cancellation& cancel);
  std::unique_ptr<Runnable> Abandon(const Ticket& ticket, const OperationHead& head,
                                    Cancellation& cancel, const Status& why);
  // A job that makes its operation when it first runs and keeps it while it parks.
  void PushRunnable(Job job, std::function<std::unique_ptr<Runnable>(Cancellation&)> make);
  void PushObserve(const Uuid& instance, bool crashed, bool repeat = false);
  void PushAbandon(const InstanceRecord& record);
  void PushUndo(const InstanceRecord& record);
  void SettleOld();
  std::chrono::milliseconds SweepInterval() const;
  void HouseKeeping();
  void Reconcile();
  using Addresses = std::vector<std::pair<Uuid, std::string>>;  // network and address
  Addresses AddressesOf(const InstanceRecord& listed);

  const AgentSettings settings_;
  const Ports ports_;
  HostClaims claims_;
  core::Counters counters_;
  FactsCache facts_;
  std::atomic<bool> draining_{false};
  Services services_;
  Reconciler reconciler_;

  mutable absl::Mutex mutex_;
  std::map<Uuid, std::int64_t> building_ ABSL_GUARDED_BY(mutex_);  // accepted, not yet ended
  std::map<Uuid, bool> events_ ABSL_GUARDED_BY(mutex_);            // true: it crashed
  // Journal entries at work, since when; those that have been told the journal as settled are gone.
  std::map<std::int64_t, SteadyTime> at_work_ ABSL_GUARDED_BY(mutex_);
  struct KnownAddresses {
    std::int64_t generation = 0;
    Addresses addresses;
  };
  std::map<Uuid, KnownAddresses> addresses_ ABSL_GUARDED_BY(mutex_);
  bool reconcile_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool undo_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool housekeeping_busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool receiving_ ABSL_GUARDED_BY(mutex_) = false;
  std::string not_receiving_why_ ABSL_GUARDED_BY(mutex_) = "not connected yet";

  std::atomic<bool> taking_{false};
  OperationQueue queue_;  // its jobs use everything above
  std::thread housekeeper_;
};

}  // namespace kilonova::agent::core
