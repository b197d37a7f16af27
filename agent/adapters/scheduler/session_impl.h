// SPDX-License-Identifier: Apache-2.0
// The session inside. session_thread.cpp is the thread that writes, session_inbound.cpp the reader
// and the worker; what they share is under mutex_.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <deque>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "agent/adapters/scheduler/backoff.h"
#include "agent/adapters/scheduler/report_pump.h"
#include "agent/adapters/scheduler/session_client.h"
#include "agent/adapters/scheduler/template_store.h"
#include "common/base/log.h"

namespace kilonova::agent::adapters::scheduler {

inline Status Unavailable(std::string_view message) {
  return Error(Code::kUnavailable, reason::kUnavailable, message);
}

class SessionClient::Impl {
 public:
  Impl(SessionOptions options, std::unique_ptr<Transport> transport, const Clock& clock)
      : options_(std::move(options)),
        transport_(std::move(transport)),
        clock_(clock),
        backoff_(options_.backoff_least, options_.backoff_most) {}

  void Start(core::Journal& journal, core::HostView& view);
  void Stop();
  bool Connected() const;
  void Wake(bool Impl::*flag);
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
  void Run();
  Status RunSession(bool* welcomed);
  Status AwaitWelcome(bool* welcomed);

  struct Turn {
    bool over = false;
    bool reports = false;
    std::int64_t acked = 0;
    std::deque<Outbound> out;
  };

  // Waits for something to do until `until`.
  Turn NextTurn(SteadyTime until);
  void WantReport() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status WriteLoop(Stream& stream);
  Status SendReports(Stream& stream, bool* spoke);
  void LogIfJournal(const Status& status);

  // ---- the reader
  void Read(Stream& stream);
  void Take(Inbound message);
  void Broken();

  // ---- the worker
  Expected<HostUpdate> MakeUpdate();
  void Work();
  void Answer(std::int64_t epoch, Outbound message);

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

}  // namespace kilonova::agent::adapters::scheduler
