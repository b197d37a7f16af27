// SPDX-License-Identifier: Apache-2.0
// What the scheduler says: the reader takes it in, the worker does what may take long.
#include <absl/time/time.h>

#include <algorithm>

#include "agent/adapters/scheduler/session_impl.h"
#include "common/model/bounds.h"

namespace kilonova::agent::adapters::scheduler {
namespace {

constexpr std::size_t kMostConsoleQueries = 16;  // waiting; more are refused

}  // namespace

void SessionClient::Impl::Read(Stream& stream) {
  bool first = true;
  while (std::optional<Inbound> message = stream.Read()) {
    if (first != std::holds_alternative<Welcome>(*message)) {
      LogWarn("scheduler speaks out of turn", {F("host", options_.host)});
      stream.Cancel();
      return;
    }
    first = false;
    Take(std::move(*message));
  }
}

void SessionClient::Impl::Take(Inbound message) {
  if (auto* sync = std::get_if<FlavorSync>(&message)) {
    templates_.Apply(sync->flavors, sync->hash);
    LogInfo("flavors taken over", {F("flavors", sync->flavors.size()), F("hash", sync->hash)});
  }
  absl::MutexLock lock(&mutex_);
  if (auto* welcome = std::get_if<Welcome>(&message)) {
    welcome_ = std::move(*welcome);
  } else if (auto* ack = std::get_if<StateAck>(&message)) {
    acked_ = std::max(acked_, ack->seq);
  } else if (auto* sync = std::get_if<FlavorSync>(&message)) {
    out_.push_back(FlavorsApplied{std::move(sync->hash)});
  } else if (auto* query = std::get_if<ConsoleQuery>(&message)) {
    if (queries_.size() < kMostConsoleQueries) {
      queries_.push_back(std::move(*query));
    } else {
      out_.push_back(
          ConsoleAnswer{query->query_id, Unavailable("too many console requests on this host")});
    }
  }
  changed_.SignalAll();
}

void SessionClient::Impl::Broken() {
  absl::MutexLock lock(&mutex_);
  broken_ = true;
  changed_.SignalAll();
}

Expected<HostUpdate> SessionClient::Impl::MakeUpdate() {
  HostUpdate update;
  ASSIGN_OR_RETURN(update.report, view_->Report());
  ASSIGN_OR_RETURN(update.instances, view_->Instances());
  update.counters = view_->Counters();
  return update;
}

void SessionClient::Impl::Work() {
  std::optional<SteadyTime> reported;
  while (true) {
    std::optional<ConsoleQuery> query;
    bool report = false;
    std::int64_t epoch = 0;
    {
      absl::MutexLock lock(&mutex_);
      while (!stop_ && queries_.empty()) {
        if (!report_wanted_) {
          changed_.Wait(&mutex_);
          continue;
        }
        // A burst of builds makes one report, not one each.
        const auto due = reported ? *reported + options_.report_pause : clock_.Steady();
        const auto left = due - clock_.Steady();
        if (left <= left.zero()) break;
        changed_.WaitWithTimeout(&mutex_, absl::FromChrono(left));
      }
      if (stop_) return;
      epoch = epoch_;
      if (!queries_.empty()) {
        query = std::move(queries_.front());
        queries_.pop_front();
      } else {
        report = std::exchange(report_wanted_, false);
      }
    }
    if (query) {
      const std::size_t most = query->max_bytes == 0
                                   ? model::kMaxConsoleBytes
                                   : std::min(query->max_bytes, model::kMaxConsoleBytes);
      Answer(epoch, ConsoleAnswer{query->query_id, view_->Console(query->instance, most)});
    } else if (report) {
      auto update = MakeUpdate();
      reported = clock_.Steady();
      if (update.ok()) {
        Answer(epoch, *std::move(update));
      } else {
        LogWarn("no host report this time", {F("why", update.status())});
      }
    }
  }
}

void SessionClient::Impl::Answer(std::int64_t epoch, Outbound message) {
  absl::MutexLock lock(&mutex_);
  if (epoch != epoch_) return;  // asked for by a session that is over
  out_.push_back(std::move(message));
  changed_.SignalAll();
}

}  // namespace kilonova::agent::adapters::scheduler
