// SPDX-License-Identifier: Apache-2.0
// Running totals by name, thread-safe: core is measured through this and knows no metrics library.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace kilonova::agent::core {

class Counters {
 public:
  void Add(std::string_view name, std::int64_t by = 1);
  std::map<std::string, std::int64_t> Snapshot() const;

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, std::int64_t, std::less<>> totals_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kilonova::agent::core
