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
  static int Register(const ConnectHandle& connect, const std::shared_ptr<S>& state) {
    auto* for_close = new Weak<S>(state);
    // The test driver has no close callbacks; there libvirt does not take over the pointer.
    if (virConnectRegisterCloseCallback(connect.get(), OnClose, for_close, FreeWeak<S>) < 0) {
      FreeWeak<S>(for_close);
    }
    auto* for_events = new Weak<S>(state);
    const int id = virConnectDomainEventRegisterAny(
        connect.get(), nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
        VIR_DOMAIN_EVENT_CALLBACK(OnLifecycle), for_events, FreeWeak<S>);
    if (id < 0) FreeWeak<S>(for_events);
    return id;
  }
  static void Deregister(const ConnectHandle& connect, int id) {
    virConnectDomainEventDeregisterAny(connect.get(), id);
    virConnectUnregisterCloseCallback(connect.get(), OnClose);
  }
};

void Link::Run(const std::shared_ptr<State>& state) {
  using Hooks = Callbacks<State>;
  auto backoff = kFirstBackoff;
  while (true) {
    ConnectHandle connect = OwnConnect(virConnectOpen(state->options.uri.c_str()));
    int events = -1;
    if (connect) {
      // The test driver knows no keepalive.
      virConnectSetKeepAlive(connect.get(), state->options.keepalive_seconds,
                             state->options.keepalive_probes);
      {
        // Before the callbacks, so that a close is never taken for an older connection's.
        const absl::MutexLock lock(&state->mutex);
        state->broken = false;
      }
      events = Hooks::Register(connect, state);
    }
    if (connect && events >= 0) {
      backoff = kFirstBackoff;
      bool stopping = false;
      {
        const absl::MutexLock lock(&state->mutex);
        state->connect = connect;
        stopping = state->stopping;
      }
      if (!stopping) {
        LogInfo("connected to libvirt", {F("uri", state->options.uri)});
        state->listener.connected();
      }
      State* raw = state.get();
      const auto over = [raw]()
                            ABSL_NO_THREAD_SAFETY_ANALYSIS { return raw->stopping || raw->broken; };
      state->mutex.LockWhen(absl::Condition(&over));
      state->connect.reset();
      stopping = state->stopping;
      state->mutex.Unlock();
      Hooks::Deregister(connect, events);
      connect.reset();
      if (stopping) break;
      LogWarn("the connection to libvirt is lost", {F("uri", state->options.uri)});
    } else {
      LogWarn("libvirt cannot be reached", {F("status", LastError("opening libvirt failed"))});
      connect.reset();
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
