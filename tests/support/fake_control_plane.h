// SPDX-License-Identifier: Apache-2.0
// The scheduler's side in memory: templates, and start permissions by generation. Thread-safe.
#pragma once

#include <absl/synchronization/mutex.h>

#include <map>
#include <set>
#include <string>

#include "agent/core/control_plane.h"

namespace kilonova::testing {

class FakeControlPlane final : public agent::core::ControlPlane {
 public:
  Status ConfirmStart(const Uuid& instance, std::int64_t generation) override {
    const absl::MutexLock lock(&mutex_);
    ++asked_;
    if (!reachable_ || unknown_.contains(instance)) {
      return Error(Code::kUnavailable, reason::kUnavailable, "the scheduler cannot be reached");
    }
    const auto it = current_.find(instance);
    if (it != current_.end() && it->second != generation) {
      return Error(Code::kFailedPrecondition, reason::kClaimStale, "placed anew");
    }
    return OkStatus();
  }

  Expected<model::Flavor> Template(const std::string& flavorid, const std::string&,
                                   std::chrono::milliseconds) override {
    const absl::MutexLock lock(&mutex_);
    if (!reachable_ && templates_.empty()) {
      return Error(Code::kUnavailable, reason::kUnavailable, "no templates yet");
    }
    const auto it = templates_.find(flavorid);
    if (it == templates_.end()) {
      return Error(Code::kNotFound, reason::kFlavorNotFound, "no template of that name");
    }
    return it->second;
  }

  void ReportsWaiting() override { Count(reports_waiting_); }
  void HostChanged() override { Count(host_changed_); }

  void AddTemplate(const model::Flavor& flavor) {
    const absl::MutexLock lock(&mutex_);
    templates_[flavor.flavorid] = flavor;
  }
  // Only this generation of `instance` may start; 0: none (it is being deleted).
  void SetCurrent(const Uuid& instance, std::int64_t generation) {
    const absl::MutexLock lock(&mutex_);
    current_[instance] = generation;
  }
  // While set, nobody knows whether it may start.
  void SetUnknown(const Uuid& instance, bool unknown) {
    const absl::MutexLock lock(&mutex_);
    if (unknown) {
      unknown_.insert(instance);
    } else {
      unknown_.erase(instance);
    }
  }
  void SetReachable(bool reachable) {
    const absl::MutexLock lock(&mutex_);
    reachable_ = reachable;
  }
  int Asked() const { return Read(asked_); }
  int HostChanges() const { return Read(host_changed_); }
  int ReportWakes() const { return Read(reports_waiting_); }

 private:
  void Count(int& number) {
    const absl::MutexLock lock(&mutex_);
    ++number;
  }
  int Read(const int& number) const {
    const absl::MutexLock lock(&mutex_);
    return number;
  }

  mutable absl::Mutex mutex_;
  bool reachable_ = true;
  int asked_ = 0, reports_waiting_ = 0, host_changed_ = 0;
  std::map<Uuid, std::int64_t> current_;
  std::set<Uuid> unknown_;
  std::map<std::string, model::Flavor> templates_;
};

}  // namespace kilonova::testing
