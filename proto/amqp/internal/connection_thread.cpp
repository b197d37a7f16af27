// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/internal/connection_thread.h"

#include <absl/time/time.h>

#include <utility>

namespace kilonova::amqp {

ConnectionThread::ConnectionThread(const ConnectionSettings& settings, std::uint64_t max_body,
                                   Backoff::Limits backoff, Random random, const Clock& clock,
                                   Owner& owner)
    : settings_(settings),
      max_body_(max_body),
      backoff_cap_(backoff.cap),
      clock_(clock),
      owner_(owner),
      backoff_(backoff, std::move(random)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void ConnectionThread::Stop(std::chrono::milliseconds grace) {
  thread_.request_stop();
  wakeup_.Notify();
  // The thread may sit in a write to a peer that does not read.
  if (!ended_.WaitForNotificationWithTimeout(absl::FromChrono(grace))) {
    absl::MutexLock lock(&mutex_);
    if (connection_ != nullptr) connection_->Abort();
  }
  thread_.join();
}

void ConnectionThread::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!owner_.WantsConnection()) {
      wakeup_.Wait(-1, std::chrono::seconds(1));
      continue;
    }
    const SteadyTime began = clock_.Steady();
    const Status ended = RunConnection(stop);
    if (ended.ok()) {
      owner_.OnEnded(ended, std::nullopt);
      continue;
    }
    if (clock_.Steady() - began > backoff_cap_) backoff_.Reset();
    const auto delay = backoff_.Next();
    owner_.OnEnded(ended, delay);
    for (const SteadyTime until = clock_.Steady() + delay;
         !stop.stop_requested() && clock_.Steady() < until;) {
      wakeup_.Wait(-1, std::chrono::ceil<std::chrono::milliseconds>(until - clock_.Steady()));
    }
  }
  owner_.OnStopped();
  ended_.Notify();
}

Status ConnectionThread::RunConnection(const std::stop_token& stop) {
  ASSIGN_OR_RETURN(auto opened, Connection::Open(settings_, max_body_));
  Connection* connection = opened.get();
  SetConnection(std::move(opened));
  Status status = owner_.Serve(stop, *connection);
  if (status.ok()) connection->Close();
  SetConnection(nullptr);
  return status;
}

void ConnectionThread::SetConnection(std::unique_ptr<Connection> connection) {
  {
    absl::MutexLock lock(&mutex_);
    connection_.swap(connection);
  }
  // What was there before ends here, outside the lock.
}

}  // namespace kilonova::amqp
