// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/watch_hub.h"

#include <absl/time/time.h>

#include <algorithm>
#include <utility>

namespace kilonova::scheduler::core {
namespace {

constexpr std::chrono::seconds kBookmarkEvery{30};
constexpr std::size_t kPage = 500;

Status Expired() {
  return Error(Code::kOutOfRange, reason::kCursorExpired,
               "the cursor is older than what is kept; begin anew without one");
}
Status Stopping() {
  return Error(Code::kUnavailable, reason::kUnavailable, "the scheduler is stopping");
}

}  // namespace

class WatchHub::Subscription final : public Watch {
 public:
  Subscription(WatchHub& hub, WatchFilter filter, std::function<void()> wake)
      : hub_(hub),
        filter_(std::move(filter)),
        instances_(filter_.instances.begin(), filter_.instances.end()),
        wake_(std::move(wake)),
        cursor_(filter_.cursor),
        last_bookmark_(hub.clock_.Steady()) {
    if (cursor_ == 0) {
      behind_ = hub_.live_(0, filter_);
      initial_ = true;
      catching_up_ = true;
    }
  }
  ~Subscription() override {
    absl::MutexLock lock(&hub_.mutex_);
    hub_.waiting_.erase(this);
  }

  Expected<std::vector<WatchEvent>> Next(std::size_t most,
                                         std::chrono::milliseconds wait) override {
    std::vector<WatchEvent> events;
    most = std::max<std::size_t>(most, 1);
    RETURN_IF_ERROR(Gather(most, events));
    if (events.empty() && wait.count() > 0) {
      AwaitChange(wait);
      RETURN_IF_ERROR(Gather(most, events));
    }
    if (events.empty()) MaybeBookmark(events);
    if (events.empty() && !Arm()) return Next(most, std::chrono::milliseconds(0));
    return events;
  }

  void Wake() const {
    if (wake_) wake_();
  }

 private:
  bool Wants(const InstanceRecord& record) const {
    return (filter_.project_id.empty() || record.spec.project_id == filter_.project_id) &&
           (instances_.empty() || instances_.contains(record.uuid()));
  }

  Status Gather(std::size_t most, std::vector<WatchEvent>& events) {
    while (events.size() < most) {
      if (catching_up_) {
        RETURN_IF_ERROR(CatchUp(most, events));
        if (catching_up_) return OkStatus();  // the page is full
      }
      bool too_far = false;
      {
        absl::MutexLock lock(&hub_.mutex_);
        if (hub_.stopped_) return Stopping();
        if (cursor_ < hub_.ring_after_) {
          if (cursor_ < hub_.pruned_through_) return Expired();
          too_far = true;
        } else {
          FromRing(most, events);
          return OkStatus();
        }
      }
      if (too_far) {
        behind_ = hub_.live_(cursor_, filter_);
        at_ = 0;
        catching_up_ = true;
      }
    }
    return OkStatus();
  }

  void FromRing(std::size_t most, std::vector<WatchEvent>& events)
      ABSL_SHARED_LOCKS_REQUIRED(hub_.mutex_) {
    auto next = std::ranges::upper_bound(hub_.ring_, cursor_, {},
                                         [](const InstancePtr& i) { return i->revision; });
    for (; next != hub_.ring_.end() && events.size() < most; ++next) {
      cursor_ = (*next)->revision;
      if (Wants(**next)) events.push_back({cursor_, *next, false, false});
    }
    if (next == hub_.ring_.end()) cursor_ = std::max(cursor_, hub_.last_);
  }

  // Brings the watcher to behind_.as_of: the live ones as they were then and, unless this is the
  // present set, the ones deleted since, merged by revision.
  Status CatchUp(std::size_t most, std::vector<WatchEvent>& events) {
    while (events.size() < most) {
      if (!initial_ && gone_.empty() && !gone_done_) {
        ASSIGN_OR_RETURN(auto page, hub_.store_.DeletedSince(cursor_, behind_.as_of, kPage));
        {
          // What was pruned while the page was read may be missing from it.
          absl::MutexLock lock(&hub_.mutex_);
          if (cursor_ < hub_.pruned_through_) return Expired();
        }
        gone_done_ = page.size() < kPage;
        gone_.assign(page.begin(), page.end());
      }
      RETURN_IF_ERROR(ReadLive());
      if (here_.empty() && gone_.empty()) break;
      InstancePtr next;
      if (!here_.empty() && (gone_.empty() || here_.front()->revision < gone_.front()->revision)) {
        next = std::move(here_.front());
        here_.pop_front();
      } else {
        next = std::move(gone_.front());
        gone_.pop_front();
      }
      if (!initial_) cursor_ = next->revision;
      if (Wants(*next)) events.push_back({initial_ ? 0 : cursor_, next, initial_, false});
    }
    if (at_ < behind_.instances.size() || !here_.empty() || !gone_.empty() ||
        (!initial_ && !gone_done_)) {
      return OkStatus();
    }
    if (initial_ && events.size() >= most)
      return OkStatus();  // the bookmark comes with the next page
    cursor_ = behind_.as_of;
    if (initial_) events.push_back({cursor_, nullptr, false, true});
    behind_ = {};
    at_ = 0;
    catching_up_ = initial_ = gone_done_ = false;
    return OkStatus();
  }

  // The next of the live ones as they are now. One that was deleted meanwhile is told of as what
  // comes after behind_.as_of, and so is a change to somebody who resumes: nobody sees it twice.
  Status ReadLive() {
    while (here_.empty() && at_ < behind_.instances.size()) {
      std::vector<std::int64_t> ids;
      for (; ids.size() < kPage && at_ < behind_.instances.size(); ++at_) {
        ids.push_back(behind_.instances[at_].id);
      }
      ASSIGN_OR_RETURN(std::vector<InstancePtr> page, hub_.store_.Instances(ids));
      for (InstancePtr& record : page) {
        if (record->deleted() || (!initial_ && record->revision > behind_.as_of)) continue;
        here_.push_back(std::move(record));
      }
    }
    return OkStatus();
  }

  void MaybeBookmark(std::vector<WatchEvent>& events) {
    const SteadyTime now = hub_.clock_.Steady();
    if (now - last_bookmark_ < kBookmarkEvery) return;
    last_bookmark_ = now;
    events.push_back({cursor_, nullptr, false, true});
  }

  struct Awaited {
    WatchHub* hub;
    std::int64_t cursor;
  };
  void AwaitChange(std::chrono::milliseconds wait) {
    absl::MutexLock lock(&hub_.mutex_);
    Awaited awaited{&hub_, cursor_};
    hub_.mutex_.AwaitWithTimeout(absl::Condition(
                                     +[](Awaited* a) ABSL_NO_THREAD_SAFETY_ANALYSIS {
                                       return a->hub->stopped_ || a->hub->last_ > a->cursor;
                                     },
                                     &awaited),
                                 absl::FromChrono(wait));
  }

  // False when something came since it was looked for.
  bool Arm() {
    absl::MutexLock lock(&hub_.mutex_);
    if (hub_.stopped_ || hub_.last_ > cursor_) return false;
    if (wake_) hub_.waiting_.insert(this);
    return true;
  }

  WatchHub& hub_;
  const WatchFilter filter_;
  const std::set<Uuid> instances_;
  const std::function<void()> wake_;
  std::int64_t cursor_;
  SteadyTime last_bookmark_;
  bool catching_up_ = false, initial_ = false, gone_done_ = false;
  LiveSince behind_;
  std::size_t at_ = 0;
  std::deque<InstancePtr> here_, gone_;  // read, not told yet
};

void WatchHub::Start(std::int64_t cursor, std::int64_t pruned_through) {
  absl::MutexLock lock(&mutex_);
  ring_after_ = last_ = cursor;
  pruned_through_ = pruned_through;
}

void WatchHub::Publish(InstancePtr instance) {
  absl::MutexLock lock(&mutex_);
  last_ = instance->revision;
  ring_.push_back(std::move(instance));
  if (ring_.size() > ring_size_) {
    ring_after_ = ring_.front()->revision;
    ring_.pop_front();
  }
  // Under the lock, so that a watch that is gone is never woken.
  for (const Subscription* waiting : std::exchange(waiting_, {})) waiting->Wake();
}

void WatchHub::SetPrunedThrough(std::int64_t revision) {
  absl::MutexLock lock(&mutex_);
  pruned_through_ = std::max(pruned_through_, revision);
}

std::int64_t WatchHub::Cursor() const {
  absl::MutexLock lock(&mutex_);
  return last_;
}

void WatchHub::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  for (const Subscription* waiting : std::exchange(waiting_, {})) waiting->Wake();
}

Expected<std::unique_ptr<Watch>> WatchHub::Subscribe(WatchFilter filter,
                                                     std::function<void()> wake) {
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return Stopping();
    if (filter.cursor < 0 || filter.cursor > last_) {
      return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                   "the cursor was never given out", {{"field", "cursor"}});
    }
    if (filter.cursor != 0 && filter.cursor < pruned_through_) return Expired();
  }
  return std::unique_ptr<Watch>(
      std::make_unique<Subscription>(*this, std::move(filter), std::move(wake)));
}

}  // namespace kilonova::scheduler::core
