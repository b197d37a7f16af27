// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/console_broker.h"

#include <absl/time/time.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace kilonova::scheduler::adapters::grpc {
namespace {

Status HostDown(std::string_view message) {
  return Error(Code::kUnavailable, reason::kHostDown, message);
}

}  // namespace

ConsoleBroker::ConsoleBroker(const Clock& clock)
    : clock_(clock), expirer_([this](const std::stop_token& stop) { Expire(stop); }) {}

ConsoleBroker::~ConsoleBroker() { Stop(); }

std::int64_t ConsoleBroker::Ask(const Uuid& session, std::chrono::milliseconds deadline,
                                ConsoleCallback done) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stop_) {
      questions_.emplace(++last_id_,
                         Question{session, clock_.Steady() + deadline, std::move(done)});
      changed_.Signal();
      return last_id_;
    }
  }
  done(Error(Code::kUnavailable, reason::kUnavailable, "the scheduler is stopping"));
  return 0;
}

void ConsoleBroker::Answer(const Uuid& session, std::int64_t query_id,
                           Expected<ConsoleOutput> output) {
  ConsoleCallback done;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = questions_.find(query_id);
    if (found == questions_.end() || found->second.session != session) return;
    done = std::move(found->second.done);
    questions_.erase(found);
  }
  done(std::move(output));
}

void ConsoleBroker::SessionEnded(const Uuid& session) {
  std::vector<ConsoleCallback> ended;
  {
    absl::MutexLock lock(&mutex_);
    std::erase_if(questions_, [&](auto& entry) {
      if (entry.second.session != session) return false;
      ended.push_back(std::move(entry.second.done));
      return true;
    });
  }
  for (const ConsoleCallback& done : ended) done(HostDown("the host went away"));
}

void ConsoleBroker::Stop() {
  std::map<std::int64_t, Question> questions;
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
    expirer_.request_stop();
    changed_.SignalAll();
    questions.swap(questions_);
  }
  if (expirer_.joinable()) expirer_.join();
  for (const auto& [id, question] : questions) {
    question.done(Error(Code::kUnavailable, reason::kUnavailable, "the scheduler is stopping"));
  }
}

void ConsoleBroker::Expire(const std::stop_token& stop) {
  while (true) {
    std::vector<ConsoleCallback> late;
    {
      absl::MutexLock lock(&mutex_);
      if (stop.stop_requested()) return;
      const SteadyTime now = clock_.Steady();
      SteadyTime next = SteadyTime::max();
      std::erase_if(questions_, [&](auto& entry) {
        if (entry.second.until > now) {
          next = std::min(next, entry.second.until);
          return false;
        }
        late.push_back(std::move(entry.second.done));
        return true;
      });
      if (late.empty()) {
        if (next == SteadyTime::max()) {
          changed_.Wait(&mutex_);
        } else {
          changed_.WaitWithTimeout(&mutex_, absl::FromChrono(next - now));
        }
      }
    }
    for (const ConsoleCallback& done : late) done(HostDown("the host did not answer in time"));
  }
}

}  // namespace kilonova::scheduler::adapters::grpc
