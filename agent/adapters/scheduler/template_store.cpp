// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/template_store.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <algorithm>
#include <set>

namespace kilonova::agent::adapters::scheduler {

void TemplateStore::Apply(const std::vector<model::Flavor>& flavors, const std::string& hash) {
  absl::MutexLock lock(&mutex_);
  std::set<std::string> present;
  for (const model::Flavor& flavor : flavors) {
    present.insert(flavor.flavorid);
    std::deque<Revision>& known = revisions_[flavor.flavorid];
    Revision revision{flavor.ContentHash(), flavor};
    // A flavor may return to what it was: the same revision is never kept twice.
    std::erase_if(known,
                  [&](const Revision& r) { return r.content_hash == revision.content_hash; });
    known.push_front(std::move(revision));
    if (known.size() > kEarlierRevisions + 1) known.pop_back();
  }
  std::erase_if(deleted_, [&](const std::string& id) { return present.contains(id); });
  present.insert(deleted_.begin(), deleted_.end());
  for (const auto& [flavorid, known] : revisions_) {
    if (!present.contains(flavorid)) deleted_.push_back(flavorid);
  }
  while (deleted_.size() > kMostDeletedFlavors) {
    revisions_.erase(deleted_.front());
    deleted_.pop_front();
  }
  hash_ = hash;
  synced_ = true;
  changed_.SignalAll();
}

std::string TemplateStore::Hash() const {
  absl::MutexLock lock(&mutex_);
  return hash_;
}

const TemplateStore::Revision* TemplateStore::Find(const std::string& flavorid,
                                                   const std::string& content_hash) const {
  const auto known = revisions_.find(flavorid);
  if (known == revisions_.end()) return nullptr;
  for (const Revision& revision : known->second) {
    if (revision.content_hash == content_hash) return &revision;
  }
  return nullptr;
}

Expected<model::Flavor> TemplateStore::Get(const std::string& flavorid,
                                           const std::string& content_hash,
                                           std::chrono::milliseconds wait) const {
  const absl::Time until = absl::Now() + absl::FromChrono(wait);
  absl::MutexLock lock(&mutex_);
  while (true) {
    if (const Revision* revision = Find(flavorid, content_hash)) return revision->flavor;
    if (stopped_ || absl::Now() >= until) break;
    changed_.WaitWithDeadline(&mutex_, until);
  }
  if (!synced_) {
    return Error(Code::kUnavailable, reason::kUnavailable,
                 "the scheduler has not told this host its flavors yet");
  }
  const auto known = revisions_.find(flavorid);
  if (known == revisions_.end()) {
    return Error(Code::kNotFound, reason::kFlavorNotFound, "flavor '" + flavorid + "' is not known",
                 {{"flavor", flavorid}});
  }
  return known->second.front().flavor;
}

void TemplateStore::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  changed_.SignalAll();
}

}  // namespace kilonova::agent::adapters::scheduler
