// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/session_client.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "agent/adapters/scheduler/backoff.h"
#include "agent/adapters/scheduler/report_pump.h"
#include "agent/adapters/scheduler/template_store.h"
#include "common/base/log.h"

namespace kilonova::agent::adapters::scheduler {
namespace {

constexpr std::size_t kMostConsoleQueries = 16;  // waiting; more are refused
constexpr std::size_t kReportBatch = 64;
constexpr std::chrono::milliseconds kJournalRetry{1000};

Status Unavailable(std::string_view message) {
  return Error(Code::kUnavailable, reason::kUnavailable, message);
}

}  // namespace

class SessionClient::Impl {
 public:
  Impl(SessionOptions options, std::unique_ptr<Transport> transport, const Clock& clock)
      : options_(std::move(options)),
        transport_(std::move(transport)),
        clock_(clock),
        backoff_(options_.backoff_least, options_.backoff_most) {}

  void Start(core::Journal& journal, core::HostView& view) {
    journal_ = &journal;
    view_ = &view;
    worker_ = std::jthread([this] { Guard("worker", [this] { Work(); }); });
    session_ = std::jthread([this] { Guard("session", [this] { Run(); }); });
  }

  void Stop() {
    {
      absl::MutexLock lock(&mutex_);
      stop_ = true;
      if (stream_ != nullptr) stream_->Cancel();
      changed_.SignalAll();
    }
    templates_.Stop();
    if (session_.joinable()) session_.join();
    if (worker_.joinable()) worker_.join();
  }

  bool Connected() const {
    absl::MutexLock lock(&mutex_);
    return welcome_.has_value() && !broken_;
  }

  void Wake(bool Impl::*flag) {
    absl::MutexLock lock(&mutex_);
    this->*flag = true;
    changed_.SignalAll();
  }
  void ReportsWaiting() { Wake(&Impl::reports_waiting_); }
  void HostChanged() { Wake(&Impl::host_changed_); }

  TemplateStore& templates() { return templates_; }
  Transport& transport() { return *transport_; }
  const SessionOptions& options() const { return options_; }

 private:
  template <class Body>
  void Guard(const char* thread, Body run) {
    try {
      run();
    } catch (const std::exception& e) {
      LogError("thread of the scheduler session ended", {F("thread", thread), F("why", e.what())});
    }
  }

  // ---- the session thread
  void Run() {
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

  Status RunSession(bool* welcomed) {
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

  Status AwaitWelcome(bool* welcomed) {
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

  struct Turn {
    bool over = false;
    bool reports = false;
    std::int64_t acked = 0;
    std::deque<Outbound> out;
  };

  // Waits for something to do until `until`.
  Turn NextTurn(SteadyTime until) {
    absl::MutexLock lock(&mutex_);
    while (!stop_ && !broken_ && !reports_waiting_ && !host_changed_ && out_.empty() &&
           acked_ == 0) {
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

  void WantReport() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    report_wanted_ = true;
    changed_.SignalAll();
  }

  Status WriteLoop(Stream& stream) {
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

  Status SendReports(Stream& stream, bool* spoke) {
    while (true) {
      ASSIGN_OR_RETURN(const auto reports, pump_->Take(kReportBatch));
      for (const model::StateReport& report : reports) {
        if (!stream.Write(report)) return OkStatus();
        *spoke = true;
      }
      if (reports.size() < kReportBatch) return OkStatus();
    }
  }

  void LogIfJournal(const Status& status) {
    if (!status.ok()) LogError("journal refuses the session", {F("why", status)});
  }

  // ---- the reader
  void Read(Stream& stream) {
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

  void Take(Inbound message) {
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

  void Broken() {
    absl::MutexLock lock(&mutex_);
    broken_ = true;
    changed_.SignalAll();
  }

  // ---- the worker
  Expected<HostUpdate> MakeUpdate() {
    HostUpdate update;
    ASSIGN_OR_RETURN(update.report, view_->Report());
    ASSIGN_OR_RETURN(update.instances, view_->Instances());
    update.counters = view_->Counters();
    return update;
  }

  void Work() {
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
                                     ? core::kMaxConsoleBytes
                                     : std::min(query->max_bytes, core::kMaxConsoleBytes);
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

  void Answer(std::int64_t epoch, Outbound message) {
    absl::MutexLock lock(&mutex_);
    if (epoch != epoch_) return;  // asked for by a session that is over
    out_.push_back(std::move(message));
    changed_.SignalAll();
  }

  const SessionOptions options_;
  const std::unique_ptr<Transport> transport_;
  const Clock& clock_;
  Backoff backoff_;  // session thread
  TemplateStore templates_;
  core::Journal* journal_ = nullptr;
  core::HostView* view_ = nullptr;
  std::optional<ReportPump> pump_;     // session thread
  std::chrono::milliseconds lease_{};  // session thread

  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::int64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  bool broken_ ABSL_GUARDED_BY(mutex_) = true;
  std::optional<Welcome> welcome_ ABSL_GUARDED_BY(mutex_);
  std::int64_t acked_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reports_waiting_ ABSL_GUARDED_BY(mutex_) = false;
  bool host_changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool report_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Outbound> out_ ABSL_GUARDED_BY(mutex_);
  std::deque<ConsoleQuery> queries_ ABSL_GUARDED_BY(mutex_);

  std::jthread worker_, session_;
};

SessionClient::SessionClient(SessionOptions options, std::unique_ptr<Transport> transport,
                             const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(transport), clock)) {}
SessionClient::~SessionClient() { impl_->Stop(); }

void SessionClient::Start(core::Journal& journal, core::HostView& view) {
  impl_->Start(journal, view);
}
void SessionClient::Stop() { impl_->Stop(); }
bool SessionClient::Connected() const { return impl_->Connected(); }

Status SessionClient::ConfirmStart(const Uuid& instance, std::int64_t generation) {
  const Status answer = impl_->transport().ConfirmStart(impl_->options().host, instance, generation,
                                                        impl_->options().confirm_deadline);
  // Only these two are an answer; after anything else it is not known.
  if (answer.ok() || HasReason(answer, reason::kClaimStale) ||
      answer.code() == Code::kUnavailable) {
    return answer;
  }
  return Error(Code::kUnavailable, Reason{ReasonOf(answer)}, Message(answer));
}

Expected<model::Flavor> SessionClient::Template(const std::string& flavorid,
                                                const std::string& content_hash,
                                                std::chrono::milliseconds wait) {
  const bool in_touch = impl_->Connected();
  auto known = impl_->templates().Get(flavorid, content_hash, wait);
  if (known.ok() && known->ContentHash() == content_hash) return known;
  // The queue may bring a request for a flavor that a broken session has not told of yet.
  if (in_touch && impl_->Connected()) return known;
  return Unavailable("the scheduler has not told this host its flavors of now");
}

void SessionClient::ReportsWaiting() { impl_->ReportsWaiting(); }
void SessionClient::HostChanged() { impl_->HostChanged(); }

}  // namespace kilonova::agent::adapters::scheduler
