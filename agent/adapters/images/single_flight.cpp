// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/single_flight.h"

#include <condition_variable>
#include <optional>
#include <thread>

namespace kilonova::agent::adapters::images {

struct SingleFlight::Flight {
  SharedLimit limit{0};
  std::mutex mutex;
  std::condition_variable_any landed;
  std::optional<Expected<core::CachedImage>> result;  // guarded by mutex
  int waiting = 0;                                    // guarded by SingleFlight::mutex_
  std::jthread worker;  // joined by whoever drops the last reference, never by itself
};

namespace {

void Raise(SharedLimit& limit, std::uint64_t to) {
  std::uint64_t seen = limit.load();
  while (seen < to && !limit.compare_exchange_weak(seen, to)) {
  }
}

}  // namespace

std::shared_ptr<SingleFlight::Flight> SingleFlight::Board(const std::string& key,
                                                          std::uint64_t limit, const Work& work) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Flight>& slot = flights_[key];
  if (slot == nullptr) slot = std::make_shared<Flight>();
  Flight* flight = slot.get();
  Raise(flight->limit, limit);
  if (flight->waiting++ > 0) return slot;
  flight->worker = std::jthread([flight, work](const std::stop_token& stop) {
    Expected<core::CachedImage> image = work(flight->limit, stop);
    const std::lock_guard done(flight->mutex);
    flight->result = std::move(image);
    flight->landed.notify_all();
  });
  return slot;
}

// The flight leaves the table with its last passenger, or as soon as one has seen its result: who
// comes later starts anew (and finds the cache filled).
void SingleFlight::Leave(const std::string& key, const std::shared_ptr<Flight>& flight,
                         bool landed) {
  const std::lock_guard lock(mutex_);
  const bool last = --flight->waiting == 0;
  if (last) flight->worker.request_stop();
  const auto found = flights_.find(key);
  const bool ours = found != flights_.end() && found->second == flight;
  if (ours && (last || landed)) flights_.erase(found);
}

int SingleFlight::Waiting(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = flights_.find(key);
  return found == flights_.end() ? 0 : found->second->waiting;
}

Expected<core::CachedImage> SingleFlight::Join(const std::string& key, std::uint64_t limit,
                                               const Work& work, std::stop_token stop) {
  const std::shared_ptr<Flight> flight = Board(key, limit, work);
  Expected<core::CachedImage> result = Error(Code::kCancelled, reason::kUnavailable, "stopped");
  bool landed = false;
  {
    std::unique_lock lock(flight->mutex);
    landed = flight->landed.wait(lock, std::move(stop), [&] { return flight->result.has_value(); });
    if (landed) result = *flight->result;
  }
  Leave(key, flight, landed);
  return result;
}

}  // namespace kilonova::agent::adapters::images
