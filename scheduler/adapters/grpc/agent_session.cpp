// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/agent_session.h"

#include <utility>

namespace kilonova::scheduler::adapters::grpc {

SessionRegistry::Session SessionRegistry::Replace(const std::string& host, Session session) {
  absl::MutexLock lock(&mutex_);
  return std::exchange(sessions_[host], std::move(session));
}

void SessionRegistry::Remove(const std::string& host, const Session& session) {
  absl::MutexLock lock(&mutex_);
  const auto found = sessions_.find(host);
  if (found != sessions_.end() && found->second == session) sessions_.erase(found);
}

SessionRegistry::Session SessionRegistry::Find(const std::string& host) const {
  absl::MutexLock lock(&mutex_);
  const auto found = sessions_.find(host);
  return found == sessions_.end() ? nullptr : found->second;
}

std::vector<SessionRegistry::Session> SessionRegistry::All() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Session> all;
  all.reserve(sessions_.size());
  for (const auto& [host, session] : sessions_) all.push_back(session);
  return all;
}

}  // namespace kilonova::scheduler::adapters::grpc
