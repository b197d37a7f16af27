// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/hypervisor.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <thread>
#include <vector>

#include "agent/adapters/libvirt/call_pool.h"
#include "agent/adapters/libvirt/domains.h"
#include "agent/adapters/libvirt/errors.h"
#include "agent/adapters/libvirt/host_facts.h"
#include "agent/adapters/libvirt/link.h"
#include "agent/adapters/libvirt/mdevs.h"
#include "agent/adapters/libvirt/secrets.h"
#include "common/base/log.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

constexpr std::size_t kCallsInFlight = 4;
constexpr std::size_t kMostWaiting = 256;
constexpr std::size_t kMostEvents = 100'000;
// A libvirtd that has just started takes its guests up again in the background and says nothing of
// those it finds dead or that die meanwhile: once it has settled everything is read again.
constexpr absl::Duration kSettled = absl::Seconds(5);

std::optional<core::DomainEventKind> KindOf(int event, int detail) {
  using Kind = core::DomainEventKind;
  switch (event) {
    case VIR_DOMAIN_EVENT_STARTED:
      return Kind::kStarted;
    case VIR_DOMAIN_EVENT_STOPPED:
      // FAILED is a QEMU that went away without a word.
      return detail == VIR_DOMAIN_EVENT_STOPPED_CRASHED || detail == VIR_DOMAIN_EVENT_STOPPED_FAILED
                 ? Kind::kCrashed
                 : Kind::kStopped;
    case VIR_DOMAIN_EVENT_CRASHED:
      return Kind::kCrashed;
    case VIR_DOMAIN_EVENT_SUSPENDED:
      return Kind::kPaused;
    case VIR_DOMAIN_EVENT_RESUMED:
      return Kind::kResumed;
    case VIR_DOMAIN_EVENT_UNDEFINED:
      return Kind::kUndefined;
    default:
      return std::nullopt;
  }
}

Status NotConnected() {
  return Error(Code::kUnavailable, reason::kHypervisorUnavailable,
               "the hypervisor is not reachable");
}

}  // namespace

class Hypervisor::Impl {
 public:
  explicit Impl(Options options)
      : shared_(std::make_shared<Shared>(std::move(options))),
        links_(OpenLinks(shared_)),
        pool_(kCallsInFlight, kMostWaiting),
        dispatcher_([this](const std::stop_token& stop) { Dispatch(stop); }) {}

  ~Impl() {
    dispatcher_.request_stop();
    {
      const absl::MutexLock lock(&shared_->mutex);
      shared_->stopping = true;
    }
    dispatcher_.join();
  }

  bool Connected() const { return AllConnected(*links_); }
  const Deadlines& deadlines() const { return shared_->options.deadlines; }
  const Options& options() const { return shared_->options; }

  // Makes `call` on a pool thread, on that thread's connection.
  template <class T>
  Expected<T> Call(std::string_view name, std::chrono::milliseconds deadline,
                   std::function<Expected<T>(virConnectPtr, Domains&)> call) {
    if (!Connected()) return NotConnected();
    auto work = [s = shared_, links = links_, name,
                 call = std::move(call)](CallPool::Worker worker) -> Expected<T> {
      Link& link = *(*links)[worker];
      const ConnectHandle connect = link.Get();
      if (!connect) return NotConnected();
      const auto begin = std::chrono::steady_clock::now();
      Domains domains(connect.get(), s->owners, s->options.host);
      auto result = call(connect.get(), domains);
      const auto took = std::chrono::steady_clock::now() - begin;
      if (s->options.on_call) {
        s->options.on_call(name, std::chrono::duration_cast<std::chrono::microseconds>(took),
                           result.ok());
      }
      if (IsConnectionLoss(result.status())) link.Lost(connect);
      return result;
    };
    auto result = pool_.Call<T>(deadline, std::move(work));
    if (!result.ok()) LogTrouble(name, result.status());
    return result;
  }

  Status CallStatus(std::string_view name, std::chrono::milliseconds deadline,
                    std::function<Status(Domains&)> call) {
    return Call<bool>(name, deadline,
                      [call = std::move(call)](virConnectPtr, Domains& d) -> Expected<bool> {
                        RETURN_IF_ERROR(call(d));
                        return true;
                      })
        .status();
  }

  void Subscribe(std::function<void(const core::DomainEvent&)> handler,
                 std::function<void()> reconnected) {
    {
      const absl::MutexLock lock(&shared_->mutex);
      shared_->handler = std::move(handler);
      shared_->reconnected = std::move(reconnected);
    }
    // What came before nobody heard.
    if (Connected()) Enqueue(*shared_, std::nullopt);
  }

 private:
  // Shared with libvirt's callbacks and calls that hang past the adapter's end.
  struct Shared {
    explicit Shared(Options o) : options(std::move(o)) {}
    const Options options;
    Owners owners;
    absl::Mutex mutex;
    std::deque<std::optional<RawEvent>> queue ABSL_GUARDED_BY(mutex);  // empty: (re)connected
    std::function<void(const core::DomainEvent&)> handler ABSL_GUARDED_BY(mutex);
    std::function<void()> reconnected ABSL_GUARDED_BY(mutex);
    bool stopping ABSL_GUARDED_BY(mutex) = false;
  };

  // One for each thread of the pool, so that no two calls meet on a connection; see link.h. Shared
  // with calls that hang past the adapter's end.
  using Links = std::vector<std::unique_ptr<Link>>;

  static bool AllConnected(const Links& links) {
    return !links.empty() &&
           std::ranges::all_of(links, [](const auto& link) { return link->Get() != nullptr; });
  }

  static std::shared_ptr<Links> OpenLinks(const std::shared_ptr<Shared>& shared) {
    auto links = std::make_shared<Links>();
    for (std::size_t i = 0; i < kCallsInFlight; ++i) {
      const Options& options = shared->options;
      links->push_back(std::make_unique<Link>(
          LinkOptions{options.uri, options.keepalive_seconds, options.keepalive_probes,
                      options.most_backoff, i == 0},
          Link::Listener{[shared](const RawEvent& event) { Enqueue(*shared, event); },
                         [shared] { Enqueue(*shared, std::nullopt); }}));
    }
    return links;
  }

  static void LogTrouble(std::string_view name, const Status& status) {
    if (HasReason(status, reason::kDomainNotFound)) return;
    LogDebug("a libvirt call failed", {F("call", name), F("status", status)});
  }

  static void Enqueue(Shared& shared, std::optional<RawEvent> item) {
    const absl::MutexLock lock(&shared.mutex);
    if (shared.queue.size() >= kMostEvents) {
      // Too many to follow: the listener reads everything again.
      shared.queue.clear();
      item = std::nullopt;
    }
    shared.queue.push_back(std::move(item));
  }

  void Dispatch(const std::stop_token& stop) {
    absl::Time read_again = absl::InfiniteFuture();
    while (!stop.stop_requested()) {
      std::optional<RawEvent> item;
      bool settled = false;
      std::function<void(const core::DomainEvent&)> handler;
      std::function<void()> reconnected;
      {
        Shared* raw = shared_.get();
        const auto ready = [raw]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return raw->stopping || !raw->queue.empty();
        };
        const absl::MutexLock lock(&shared_->mutex);
        settled = !shared_->mutex.AwaitWithDeadline(absl::Condition(&ready), read_again);
        if (shared_->stopping) return;
        if (!settled) {
          item = std::move(shared_->queue.front());
          shared_->queue.pop_front();
          // Each link tells of itself; reading everything once does for all of them.
          while (!item && !shared_->queue.empty() && !shared_->queue.front()) {
            shared_->queue.pop_front();
          }
        }
        handler = shared_->handler;
        reconnected = shared_->reconnected;
      }
      if (item) {
        HandleEvent(*item, handler);
      } else if (settled || Connected()) {  // else the last link's word is still to come
        read_again = settled ? absl::InfiniteFuture() : absl::Now() + kSettled;
        if (!settled) shared_->owners.ForgetAll();
        // Known from here on, so that even a domain's last event is known to be ours.
        List().IgnoreError();
        if (reconnected) reconnected();
      }
    }
  }

  Status List() {
    return Call<bool>("domain.list", deadlines().list,
                      [](virConnectPtr, Domains& d) -> Expected<bool> {
                        RETURN_IF_ERROR(d.List().status());
                        return true;
                      })
        .status();
  }

  void HandleEvent(const RawEvent& event, const std::function<void(const core::DomainEvent&)>& to) {
    if (event.event == VIR_DOMAIN_EVENT_DEFINED) {
      Call<bool>("domain.owner", deadlines().quick,
                 [uuid = event.uuid](virConnectPtr, Domains& d) -> Expected<bool> {
                   d.RefreshOwner(uuid);
                   return true;
                 })
          .status()
          .IgnoreError();
      return;
    }
    const bool ours = IsOurs(event.uuid);
    if (event.event == VIR_DOMAIN_EVENT_UNDEFINED) shared_->owners.Forget(event.uuid);
    const auto kind = KindOf(event.event, event.detail);
    if (ours && kind && to) to({event.uuid, *kind});
  }

  bool IsOurs(const Uuid& uuid) {
    if (const auto known = shared_->owners.Known(uuid)) {
      return known->has_value() && (*known)->host == shared_->options.host;
    }
    const auto ours =
        Call<bool>("domain.owner", deadlines().quick,
                   [uuid](virConnectPtr, Domains& d) -> Expected<bool> { return d.IsOurs(uuid); });
    return ours.ok() && *ours;
  }

  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Links> links_;
  CallPool pool_;
  std::jthread dispatcher_;
};

Hypervisor::Hypervisor(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Hypervisor::~Hypervisor() = default;

bool Hypervisor::Connected() const { return impl_->Connected(); }

Expected<core::HostFacts> Hypervisor::Facts() {
  return impl_->Call<core::HostFacts>("host.facts", impl_->deadlines().facts,
                                      [options = impl_->options()](virConnectPtr c, Domains&) {
                                        return ReadHostFacts(c, options);
                                      });
}

Status Hypervisor::Define(const std::string& xml) {
  return impl_->CallStatus("domain.define", impl_->deadlines().define,
                           [xml](Domains& d) { return d.Define(xml); });
}

Status Hypervisor::Start(const Uuid& uuid) {
  return impl_->CallStatus("domain.start", impl_->deadlines().start,
                           [uuid](Domains& d) { return d.Start(uuid); });
}

Status Hypervisor::Shutdown(const Uuid& uuid) {
  return impl_->CallStatus("domain.shutdown", impl_->deadlines().quick,
                           [uuid](Domains& d) { return d.Shutdown(uuid); });
}

Status Hypervisor::Destroy(const Uuid& uuid) {
  return impl_->CallStatus("domain.destroy", impl_->deadlines().destroy,
                           [uuid](Domains& d) { return d.Destroy(uuid); });
}

Status Hypervisor::Undefine(const Uuid& uuid) {
  return impl_->CallStatus("domain.undefine", impl_->deadlines().define,
                           [uuid](Domains& d) { return d.Undefine(uuid); });
}

Status Hypervisor::SetTpmSecret(const Uuid& uuid, const std::string& passphrase) {
  return impl_
      ->Call<bool>("secret.set", impl_->deadlines().quick,
                   [uuid, passphrase](virConnectPtr c, Domains&) -> Expected<bool> {
                     RETURN_IF_ERROR(libvirt::SetTpmSecret(c, uuid, passphrase));
                     return true;
                   })
      .status();
}

Status Hypervisor::ForgetTpmSecret(const Uuid& uuid) {
  return impl_
      ->Call<bool>("secret.forget", impl_->deadlines().quick,
                   [uuid](virConnectPtr c, Domains&) -> Expected<bool> {
                     RETURN_IF_ERROR(libvirt::ForgetTpmSecret(c, uuid));
                     return true;
                   })
      .status();
}

Expected<core::DomainInfo> Hypervisor::State(const Uuid& uuid) {
  return impl_->Call<core::DomainInfo>("domain.state", impl_->deadlines().quick,
                                       [uuid](virConnectPtr, Domains& d) { return d.State(uuid); });
}

Expected<core::HeldDevices> Hypervisor::DevicesOf(const Uuid& uuid) {
  return impl_->Call<core::HeldDevices>(
      "domain.devices", impl_->deadlines().quick,
      [uuid](virConnectPtr, Domains& d) { return d.DevicesOf(uuid); });
}

Expected<std::vector<core::DomainInfo>> Hypervisor::List() {
  return impl_->Call<std::vector<core::DomainInfo>>(
      "domain.list", impl_->deadlines().list, [](virConnectPtr, Domains& d) { return d.List(); });
}

Expected<hardware::MdevMachine> Hypervisor::Mdevs() {
  if (!impl_->options().mdevs) return hardware::MdevMachine();
  return impl_->Call<hardware::MdevMachine>(
      "mdev.list", impl_->deadlines().list,
      [](virConnectPtr c, Domains&) -> Expected<hardware::MdevMachine> {
        ASSIGN_OR_RETURN(hardware::MdevMachine machine, ListMdevs(c));
        RETURN_IF_ERROR(FindUsers(c, machine));
        return machine;
      });
}

Status Hypervisor::CreateMdev(const hardware::Mdev& mdev) {
  return impl_->CallStatus(
      "mdev.create", impl_->deadlines().start,
      [mdev, sys = impl_->options().sys](Domains&) { return libvirt::CreateMdev(sys, mdev); });
}

Expected<std::string> Hypervisor::NetworkBridge(const std::string& name) {
  return impl_->Call<std::string>(
      "network.bridge", impl_->deadlines().quick,
      [name](virConnectPtr c, Domains&) -> Expected<std::string> {
        const NetworkHandle network(virNetworkLookupByName(c, name.c_str()));
        if (!network) return LastError("looking a network up failed");
        const int active = virNetworkIsActive(network.get());
        if (active < 0) return LastError("looking a network up failed");
        if (active == 0) {
          return Error(Code::kNotFound, reason::kHostNetworkMissing,
                       "a network of the guest is not active on this host");
        }
        return TakeText(virNetworkGetBridgeName(network.get()));
      });
}

void Hypervisor::Subscribe(std::function<void(const core::DomainEvent&)> handler,
                           std::function<void()> reconnected) {
  impl_->Subscribe(std::move(handler), std::move(reconnected));
}

}  // namespace kilonova::agent::adapters::libvirt
