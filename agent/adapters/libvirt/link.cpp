// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/link.h"

#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>

#include "agent/adapters/libvirt/errors.h"
#include "agent/adapters/libvirt/event_loop.h"
#include "common/base/log.h"

namespace kilonova::agent::adapters::libvirt {

struct Link::State {
  LinkOptions options;
  Listener listener;
  mutable absl::Mutex mutex;
  ConnectHandle connect ABSL_GUARDED_BY(mutex);
  bool broken ABSL_GUARDED_BY(mutex) = false;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool ended ABSL_GUARDED_BY(mutex) = false;
};

namespace {

constexpr absl::Duration kPatienceAtEnd = absl::Seconds(2);
constexpr std::chrono::milliseconds kFirstBackoff{50};

template <class T>
using Weak = std::weak_ptr<T>;

template <class T>
void FreeWeak(void* opaque) {
  delete static_cast<Weak<T>*>(opaque);
}

std::optional<Uuid> UuidOf(virDomainPtr domain) {
  std::array<char, VIR_UUID_STRING_BUFLEN> text{};
  if (virDomainGetUUIDString(domain, text.data()) < 0) return std::nullopt;
  auto uuid = Uuid::Parse(text.data());
  if (!uuid.ok()) return std::nullopt;
  return std::move(uuid).value();
}

std::chrono::milliseconds Jittered(std::chrono::milliseconds most) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(0, most.count())(random));
}

}  // namespace

// Callbacks hold the state weakly: libvirt frees them when it likes.
template <class S>
struct Callbacks {
  static int OnLifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* opaque) {
    const auto state = static_cast<Weak<S>*>(opaque)->lock();
    const auto uuid = UuidOf(domain);
    if (state && uuid) state->listener.event({*uuid, event, detail});
    return 0;
  }
  static void OnClose(virConnectPtr connect, int, void* opaque) {
    const auto state = static_cast<Weak<S>*>(opaque)->lock();
    if (!state) return;
    const absl::MutexLock lock(&state->mutex);
    if (state->connect.get() == connect || state->connect == nullptr) state->broken = true;
  }
};

// An open connection and what is registered with it. Goes when nobody is in a call on it any more:
// taking the callbacks back is a call as well.
template <class S>
class Connection {
 public:
  using Hooks = Callbacks<S>;
  explicit Connection(const std::string& uri) : raw_(virConnectOpen(uri.c_str())) {}
  ~Connection() {
    if (raw_ == nullptr) return;
    if (events_ >= 0) virConnectDomainEventDeregisterAny(raw_, events_);
    if (close_) virConnectUnregisterCloseCallback(raw_, Hooks::OnClose);
    virConnectClose(raw_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virConnectPtr raw() const { return raw_; }
  // False when the events that were asked for cannot be had.
  bool Watch(const std::shared_ptr<S>& state) {
    // The test driver knows neither keepalive nor close callbacks; what libvirt does not take over
    // stays ours.
    virConnectSetKeepAlive(raw_, state->options.keepalive_seconds, state->options.keepalive_probes);
    auto* for_close = new Weak<S>(state);
    close_ = virConnectRegisterCloseCallback(raw_, Hooks::OnClose, for_close, FreeWeak<S>) == 0;
    if (!close_) FreeWeak<S>(for_close);
    if (!state->options.events) return true;
    auto* for_events = new Weak<S>(state);
    events_ = virConnectDomainEventRegisterAny(raw_, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                               VIR_DOMAIN_EVENT_CALLBACK(Hooks::OnLifecycle),
                                               for_events, FreeWeak<S>);
    if (events_ < 0) FreeWeak<S>(for_events);
    return events_ >= 0;
  }

 private:
  virConnectPtr raw_;
  int events_ = -1;
  bool close_ = false;
};

void Link::Run(const std::shared_ptr<State>& state) {
  // One of several links speaks for all.
  const auto log = [events = state->options.events](std::string_view m,
                                                    std::initializer_list<LogField> f) {
    events ? LogWarn(m, f) : LogDebug(m, f);
  };
  auto backoff = kFirstBackoff;
  while (true) {
    // Shared with the calls on it.
    auto connection = std::make_shared<Connection<State>>(state->options.uri);
    if (connection->raw() != nullptr) {
      // Before the callbacks, so that a close is never taken for an older connection's.
      const absl::MutexLock lock(&state->mutex);
      state->broken = false;
    }
    if (connection->raw() != nullptr && connection->Watch(state)) {
      backoff = kFirstBackoff;
      bool stopping = false;
      {
        const absl::MutexLock lock(&state->mutex);
        state->connect = ConnectHandle(connection, connection->raw());
        stopping = state->stopping;
      }
      connection.reset();
      if (!stopping) {
        if (state->options.events) LogInfo("connected to libvirt", {F("uri", state->options.uri)});
        state->listener.connected();
      }
      State* raw = state.get();
      const auto over = [raw]()
                            ABSL_NO_THREAD_SAFETY_ANALYSIS { return raw->stopping || raw->broken; };
      state->mutex.LockWhen(absl::Condition(&over));
      const ConnectHandle given_up = std::move(state->connect);
      state->connect.reset();
      stopping = state->stopping;
      state->mutex.Unlock();
      if (stopping) break;
      log("the connection to libvirt is lost", {F("uri", state->options.uri)});
    } else {
      log("libvirt cannot be reached", {F("status", LastError("opening libvirt failed"))});
      connection.reset();
      backoff = std::min(backoff * 2, state->options.most_backoff);
    }
    State* raw = state.get();
    const auto stop = [raw]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return raw->stopping; };
    const absl::MutexLock lock(&state->mutex);
    if (state->mutex.AwaitWithTimeout(absl::Condition(&stop),
                                      absl::FromChrono(Jittered(backoff)))) {
      break;
    }
  }
  const absl::MutexLock lock(&state->mutex);
  state->ended = true;
}

Link::Link(LinkOptions options, Listener listener) : state_(std::make_shared<State>()) {
  StartEventLoop();
  state_->options = std::move(options);
  state_->listener = std::move(listener);
  thread_ = std::thread([state = state_] { Run(state); });
}

Link::~Link() {
  bool ended = false;
  {
    const absl::MutexLock lock(&state_->mutex);
    state_->stopping = true;
    State* raw = state_.get();
    const auto over = [raw]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return raw->ended; };
    ended = state_->mutex.AwaitWithTimeout(absl::Condition(&over), kPatienceAtEnd);
  }
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();  // it hangs in libvirt and owns what it uses
  }
}

ConnectHandle Link::Get() const {
  const absl::MutexLock lock(&state_->mutex);
  return state_->broken ? nullptr : state_->connect;
}

void Link::Lost(const ConnectHandle& connect) {
  const absl::MutexLock lock(&state_->mutex);
  if (state_->connect == connect) state_->broken = true;
}

}  // namespace kilonova::agent::adapters::libvirt
