// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/synchronization/mutex.h>

#include <vector>

#include "agent/core/networks.h"

namespace kilonova::testing {

// Every network is there unless told otherwise; remembers which NICs were removed. Thread-safe.
class FakeNetworks final : public agent::core::Networks {
 public:
  Status Check(const model::NicRequest& nic) override {
    const absl::MutexLock lock(&mutex_);
    if (nic.source != missing_) return OkStatus();
    return Error(Code::kFailedPrecondition, reason::kHostNetworkMissing,
                 "the network is not on this host");
  }
  Status Remove(const model::NicRequest& nic) override {
    const absl::MutexLock lock(&mutex_);
    removed_.push_back(nic.port_id);
    return OkStatus();
  }

  void SetMissing(std::string source) {
    const absl::MutexLock lock(&mutex_);
    missing_ = std::move(source);
  }
  std::vector<Uuid> Removed() const {
    const absl::MutexLock lock(&mutex_);
    return removed_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::string missing_ ABSL_GUARDED_BY(mutex_) = "\n";
  std::vector<Uuid> removed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::testing
