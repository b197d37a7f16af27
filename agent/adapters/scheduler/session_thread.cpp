// SPDX-License-Identifier: Apache-2.0
// The session thread: opens, greets, writes, and opens again.
#include <absl/time/time.h>

#include <algorithm>

#include "agent/adapters/scheduler/session_impl.h"

namespace kilonova::agent::adapters::scheduler {
namespace {

constexpr std::size_t kReportBatch = 64;
constexpr std::chrono::milliseconds kJournalRetry{1000};

}  // namespace

void SessionClient::Impl::Run() {
  bool told = false;  // one warning per outage, not one per attempt
  while (true) {
    const SteadyTime begin = clock_.Steady();
    bool welcomed = false;
    const Status end = RunSession(&welcomed);
    {
      absl::MutexLock lock(&mutex_);
      if (stop_) return;
    }
    if (welcomed || !told) {
      LogWarn("no session with the scheduler", {F("host", options_.host), F("why", end)});
      told = true;
    }
    // A session ended at once by a rival of the same name must not be reopened in a tight loop.
    if (welcomed && clock_.Steady() - begin > std::chrono::seconds(5)) backoff_.Reset();
    const absl::Time until = absl::Now() + absl::FromChrono(backoff_.Next());
    absl::MutexLock lock(&mutex_);
    while (!stop_ && absl::Now() < until) changed_.WaitWithDeadline(&mutex_, until);
    if (stop_) return;
  }
}

Status SessionClient::Impl::RunSession(bool* welcomed) {
  {
    absl::MutexLock lock(&mutex_);  // before looking: what changes from here on is told again
    report_wanted_ = host_changed_ = false;
  }
  // Without knowing its own instances a host must not say Hello: it would say that it has none.
  ASSIGN_OR_RETURN(HostUpdate update, MakeUpdate());
  const std::unique_ptr<Stream> stream = transport_->Open();
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) stream->Cancel();
    stream_ = stream.get();
    ++epoch_;
    broken_ = false;
    welcome_.reset();
    acked_ = 0;
    out_.clear();
    queries_.clear();
    reports_waiting_ = true;
  }
  std::jthread reader([this, &stream] {
    Guard("reader", [&] { Read(*stream); });
    Broken();
  });
  const bool said = stream->Write(Hello{.host = options_.host,
                                        .agent_version = options_.agent_version,
                                        .journal_id = journal_->JournalId(),
                                        .features = options_.features,
                                        .update = std::move(update),
                                        .flavors_hash = templates_.Hash()});
  Status why = OkStatus();
  if (said) why = AwaitWelcome(welcomed);
  if (said && why.ok()) why = WriteLoop(*stream);
  stream->Cancel();
  reader.join();
  {
    absl::MutexLock lock(&mutex_);
    stream_ = nullptr;
    broken_ = true;
  }
  const Status end = stream->Finish();
  return why.ok() ? end : why;
}

Status SessionClient::Impl::AwaitWelcome(bool* welcomed) {
  Welcome welcome;
  {
    const absl::Time until = absl::Now() + absl::FromChrono(options_.handshake);
    absl::MutexLock lock(&mutex_);
    while (!welcome_ && !broken_ && !stop_ && absl::Now() < until) {
      changed_.WaitWithDeadline(&mutex_, until);
    }
    if (broken_ || stop_) return OkStatus();  // Finish knows why
    if (!welcome_) return Unavailable("the scheduler did not answer the greeting");
    welcome = *welcome_;
  }
  *welcomed = true;
  LogInfo("session with the scheduler open",
          {F("host", options_.host), F("session", welcome.session_id),
           F("lease_ms", welcome.lease.count()), F("stale", welcome.stale.size())});
  if (!welcome.stale.empty()) view_->RemoveStale(welcome.stale);
  lease_ = std::clamp(welcome.lease, std::chrono::milliseconds(30),
                      std::chrono::milliseconds(std::chrono::hours(1)));
  pump_.emplace(journal_);
  return pump_->Begin(welcome.last_seq);
}

SessionClient::Impl::Turn SessionClient::Impl::NextTurn(SteadyTime until) {
  absl::MutexLock lock(&mutex_);
  while (!stop_ && !broken_ && !reports_waiting_ && !host_changed_ && out_.empty() && acked_ == 0) {
    const auto left = until - clock_.Steady();
    if (left <= left.zero()) break;
    changed_.WaitWithTimeout(&mutex_, absl::FromChrono(left));
  }
  Turn turn{.over = stop_ || broken_,
            .reports = std::exchange(reports_waiting_, false),
            .acked = std::exchange(acked_, 0),
            .out = std::exchange(out_, {})};
  if (std::exchange(host_changed_, false)) WantReport();
  return turn;
}

void SessionClient::Impl::WantReport() {
  report_wanted_ = true;
  changed_.SignalAll();
}

Status SessionClient::Impl::WriteLoop(Stream& stream) {
  const auto third = lease_ / 3;
  SteadyTime heartbeat = clock_.Steady() + third;
  SteadyTime report = clock_.Steady() + options_.report_every;
  SteadyTime journal_retry = SteadyTime::max();
  while (true) {
    Turn turn = NextTurn(std::min({heartbeat, report, journal_retry}));
    if (turn.over) return OkStatus();
    bool spoke = false;
    for (const Outbound& message : turn.out) {
      if (!stream.Write(message)) return OkStatus();
      spoke = true;
    }
    if (turn.acked > 0) LogIfJournal(pump_->Acknowledge(turn.acked));
    const SteadyTime now = clock_.Steady();
    if (turn.reports || now >= journal_retry) {
      journal_retry = SteadyTime::max();
      const Status sent = SendReports(stream, &spoke);
      LogIfJournal(sent);
      if (!sent.ok()) journal_retry = now + kJournalRetry;
    }
    if (now >= report) {
      report = now + options_.report_every;
      absl::MutexLock lock(&mutex_);
      WantReport();
    }
    if (now >= heartbeat && !spoke) {
      if (!stream.Write(Heartbeat{view_->Counters()})) return OkStatus();
      spoke = true;
    }
    if (spoke) heartbeat = clock_.Steady() + third;
  }
}

Status SessionClient::Impl::SendReports(Stream& stream, bool* spoke) {
  while (true) {
    ASSIGN_OR_RETURN(const auto reports, pump_->Take(kReportBatch));
    for (const model::StateReport& report : reports) {
      if (!stream.Write(report)) return OkStatus();
      *spoke = true;
    }
    if (reports.size() < kReportBatch) return OkStatus();
  }
}

void SessionClient::Impl::LogIfJournal(const Status& status) {
  if (!status.ok()) LogError("journal refuses the session", {F("why", status)});
}

}  // namespace kilonova::agent::adapters::scheduler
