// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/watch_stream.h"

#include <deque>
#include <utility>

#include "common/base/log.h"
#include "proto/grpc/status.h"
#include "scheduler/adapters/grpc/messages.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

namespace wire = ::kilonova::grpc;
using Response = v1::WatchInstancesResponse;

constexpr std::size_t kBatch = 64;  // events taken at once: what a slow reader holds up
constexpr int kMostInstances = 10'000;

Expected<core::WatchFilter> FilterOf(const v1::WatchInstancesRequest& request) {
  const auto invalid = [](const char* field, const char* message) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 std::string(field) + " " + message, {{"field", field}});
  };
  core::WatchFilter filter;
  if (request.cursor() < 0) return invalid("cursor", "must not be negative");
  filter.cursor = request.cursor();
  if (request.instances_size() > kMostInstances) return invalid("instances", "are too many");
  for (const std::string& text : request.instances()) {
    auto uuid = Uuid::Parse(text);
    if (!uuid.ok()) return invalid("instances", "must be uuids");
    filter.instances.push_back(*std::move(uuid));
  }
  filter.project_id = request.project_id();
  return filter;
}

// Turns come from the pump, writes end on gRPC's threads; both may find that there is more to do.
class WatchStream final : public ::grpc::ServerWriteReactor<Response>,
                          public Pumped,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(ApiContext& context, WatchPump& pump, Expected<core::WatchFilter> filter)
      : context_(context), pump_(pump), filter_(std::move(filter)) {}

  void Begin() {
    self_ = shared_from_this();
    context_.streams.Add();
    if (!filter_.ok()) {
      End(filter_.status());
      return;
    }
    {
      absl::MutexLock lock(&mutex_);
      id_ = pump_.Add(self_);
      if (id_ != 0) return;
    }
    Stopped();
  }

  // ---- on the pump's thread
  void Turn() override {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_ || !unsent_.empty()) return;  // OnWriteDone asks again
    }
    if (watch_ == nullptr && !Subscribe()) return;
    auto events = watch_->Next(kBatch, std::chrono::milliseconds(0));
    if (!events.ok()) {
      End(events.status());
      return;
    }
    if (events->empty()) return;  // the watch wakes us
    std::deque<Response> messages;
    for (const core::WatchEvent& event : *events) {
      Response& message = messages.emplace_back();
      message.set_cursor(event.cursor);
      if (event.instance != nullptr) ToProto(*event.instance, message.mutable_instance());
      message.set_initial(event.initial);
      message.set_bookmark(event.bookmark);
    }
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    unsent_ = std::move(messages);
    StartWrite(&unsent_.front());
  }

  void Stopped() override {
    End(Error(Code::kUnavailable, reason::kUnavailable, "the scheduler is stopping"));
  }

  // ---- on gRPC's
  void OnWriteDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      unsent_.pop_front();
      if (ended_) return;
      if (ok && !unsent_.empty()) {
        StartWrite(&unsent_.front());
        return;
      }
    }
    if (ok) {
      pump_.Wake(Id());
    } else {
      End(Error(Code::kCancelled, reason::kUnavailable, "the watcher went away"));
    }
  }

  void OnCancel() override {
    End(Error(Code::kCancelled, reason::kUnavailable, "the watch was cancelled"));
  }

  void OnDone() override {
    pump_.Remove(Id());
    ApiContext& context = context_;
    self_.reset();  // a turn that runs right now keeps the object until it returns
    context.streams.Remove();
  }

 private:
  bool Subscribe() {
    auto watch = context_.conductor.watch().Subscribe(
        *filter_, [&pump = pump_, id = Id()] { pump.Wake(id); });
    if (!watch.ok()) {
      End(watch.status());
      return false;
    }
    watch_ = *std::move(watch);
    return true;
  }

  std::int64_t Id() {
    absl::MutexLock lock(&mutex_);
    return id_;
  }

  void End(const Status& status) {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(ended_, true)) return;
    Finish(wire::ToGrpc(status));
  }

  ApiContext& context_;
  WatchPump& pump_;
  const Expected<core::WatchFilter> filter_;
  std::unique_ptr<core::Watch> watch_;  // the pump's thread
  std::shared_ptr<WatchStream> self_;   // what gRPC holds

  absl::Mutex mutex_;
  std::int64_t id_ ABSL_GUARDED_BY(mutex_) = 0;  // the pump's
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Response> unsent_ ABSL_GUARDED_BY(mutex_);  // the front one is being written
};

}  // namespace

::grpc::ServerWriteReactor<Response>* StartWatch(ApiContext& context, WatchPump& pump,
                                                 const v1::WatchInstancesRequest& request) {
  auto stream = std::make_shared<WatchStream>(context, pump, FilterOf(request));
  WatchStream* raw = stream.get();
  stream->Begin();
  return raw;
}

}  // namespace kilonova::scheduler::adapters::grpc
