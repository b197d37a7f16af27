// SPDX-License-Identifier: Apache-2.0
// What every operation stands on: the ports, the steps with their failpoints and timings, the
// reports and the ends that go into the journal.
#pragma once

#include <absl/functional/function_ref.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/control_plane.h"
#include "agent/core/counters.h"
#include "agent/core/guest_describer.h"
#include "agent/core/host_claims.h"
#include "agent/core/hypervisor.h"
#include "agent/core/image_store.h"
#include "agent/core/journal.h"
#include "agent/core/networks.h"
#include "agent/core/operation_queue.h"
#include "agent/core/request_decoder.h"
#include "agent/core/settings.h"
#include "agent/core/waiting.h"
#include "common/base/clock.h"

namespace kilonova::agent::core {

// The outside, as agent/app wires it. All outlive the agent.
struct Ports {
  Hypervisor& hypervisor;
  ImageStore& images;
  ConfigDriveWriter& config_drives;
  Networks& networks;
  Journal& journal;
  ControlPlane& control_plane;
  GuestDescriber& guests;
  RequestDecoder& decoder;
  const Clock& clock;
};

// libvirt's facts, asked for once and remembered: but for devices, which each reconciliation looks for
// anew, they do not change under a running libvirtd.
class FactsCache {
 public:
  explicit FactsCache(Hypervisor& hypervisor) : hypervisor_(hypervisor) {}
  Expected<HostFacts> Get();
  Expected<HostFacts> Refresh();  // asks; on failure the memory stays
  std::optional<HostFacts> Remembered() const;

 private:
  Hypervisor& hypervisor_;
  mutable absl::Mutex mutex_;
  std::optional<HostFacts> facts_ ABSL_GUARDED_BY(mutex_);
};

struct Services {
  const AgentSettings& settings;
  Ports ports;
  HostClaims& claims;
  Counters& counters;
  FactsCache& facts;
  const std::atomic<bool>& draining;      // the agent stops: what would only wait ends now
  std::function<void()> undo_is_pending;  // a record needs the reconciler; only wakes
};

// Which message it is about; entry_id 0 when no message asked (a stale instance).
struct OperationHead {
  std::int64_t entry_id = 0;
  std::string request_id;
  std::string operation;  // "build", "terminate", "start", "stop", "reboot"
  Uuid instance;
  std::int64_t generation = 0;
  Starts starts{1, 1, 0};
};

// What the queue runs, and runs again after each time it parked, until it has ended.
class Runnable {
 public:
  virtual ~Runnable() = default;
  virtual void Run() = 0;
};

class Operation {
 public:
  Operation(Services& services, OperationHead head, Cancellation& cancel);

  // Runs `body` between agent.<family>.<step>.before and .after, and measures it. Does not begin
  // when the operation was cancelled. A step that is done is done: asked for again after a park,
  // nothing happens. A step that parked begins again.
  Status Step(std::string_view family, std::string_view step, absl::FunctionRef<Status()> body);
  // While the answer is HYPERVISOR_UNAVAILABLE the operation parks; at most for `most`, for ever
  // without it.
  Status WithHypervisor(absl::FunctionRef<Status()> call,
                        std::optional<std::chrono::milliseconds> most = std::nullopt);
  // Goes on in `time`, occupying no worker until then. What is returned ends the step, and Run:
  // whoever gets an error asks TakeParked first.
  Status Park(std::chrono::milliseconds time);
  // Did this run end by parking?
  bool TakeParked() { return std::exchange(parked_, false); }
  bool parked() const { return parked_; }
  std::stop_token token() const { return cancel_.token(); }
  bool Stopped() const { return cancel_.kind() != StopKind::kNone; }

  model::StateReport Report(model::Outcome outcome, model::VmState vm,
                            model::PowerState power) const;
  // A progress report, with the record when it changes.
  Status Progress(model::TaskState task, model::VmState vm, model::PowerState power,
                  std::optional<InstanceRecord> upsert = std::nullopt);
  // The end. Tells the scheduler's session that there is something to send.
  Status Complete(Journal::Completion completion);
  // What a cancelled operation leaves behind: for a drain the entry as if untouched, for a delete
  // its silent end. True when it was cancelled.
  bool EndIfCancelled();

  // NOT_FOUND becomes kNoState.
  Expected<model::PowerState> Power();

  Services& services() { return services_; }
  const OperationHead& head() const { return head_; }
  const Uuid& instance() const { return head_.instance; }
  const std::vector<model::StepTiming>& timings() const { return timings_; }
  std::string TimingsText() const;
  Status StoppedStatus() const;

 private:
  Status StepDone(std::string_view family, std::string_view step);

  Services& services_;
  const OperationHead head_;
  Cancellation& cancel_;
  std::vector<model::StepTiming> timings_;
  std::set<std::string> done_;               // "family.step"
  std::map<std::string, SteadyTime> begun_;  // of steps that are not done
  int reached_ = 0;
  bool parked_ = false;
  std::optional<SteadyTime> unreachable_since_;  // libvirt, for the call that is tried
  std::optional<Backoff> backoff_;
};

}  // namespace kilonova::agent::core
