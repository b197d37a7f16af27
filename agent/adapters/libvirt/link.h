// SPDX-License-Identifier: Apache-2.0
// A connection to libvirtd: opened, watched, opened again. Internal to agent/adapters/libvirt.
//
// One call at a time: the libvirt client of Debian 12 (9.0) reads freed stack memory when
// a second thread's call wakes the first one's wait for an answer, and dies of it. So whoever wants
// calls beside each other opens a link for each.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "agent/adapters/libvirt/handles.h"
#include "agent/core/hypervisor.h"

namespace kilonova::agent::adapters::libvirt {

struct LinkOptions {
  std::string uri;
  int keepalive_seconds = 4;  // between probes
  unsigned keepalive_probes = 2;
  std::chrono::milliseconds most_backoff{2000};
  bool events = true;  // asks for domain events; of several links to one libvirtd one should
};

// A lifecycle event as libvirt gave it; who owns the domain is not yet known.
struct RawEvent {
  Uuid uuid;
  int event = 0, detail = 0;
};

class Link {
 public:
  // Both are called from threads of libvirt's or the link's and must only enqueue. `connected`
  // comes when Get has the connection.
  struct Listener {
    std::function<void(const RawEvent&)> event;
    std::function<void()> connected;
  };
  Link(LinkOptions options, Listener listener);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // The connection, or nothing while there is none. It is closed by whoever lets go of it last.
  ConnectHandle Get() const;
  // A call found `connect` broken; opens another.
  void Lost(const ConnectHandle& connect);

 private:
  // Shared with callbacks and the opening thread, which may hang in libvirt past the link's end.
  struct State;
  static void Run(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace kilonova::agent::adapters::libvirt
