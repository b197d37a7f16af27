// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/session_client.h"

#include <utility>

#include "agent/adapters/scheduler/session_impl.h"

namespace kilonova::agent::adapters::scheduler {

void SessionClient::Impl::Start(core::Journal& journal, core::HostView& view) {
  journal_ = &journal;
  view_ = &view;
  worker_ = std::jthread([this] { Guard("worker", [this] { Work(); }); });
  session_ = std::jthread([this] { Guard("session", [this] { Run(); }); });
}

void SessionClient::Impl::Stop() {
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

bool SessionClient::Impl::Connected() const {
  absl::MutexLock lock(&mutex_);
  return welcome_.has_value() && !broken_;
}

void SessionClient::Impl::Wake(bool Impl::*flag) {
  absl::MutexLock lock(&mutex_);
  this->*flag = true;
  changed_.SignalAll();
}

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
  Status answer = impl_->transport().ConfirmStart(impl_->options().host, instance, generation,
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
