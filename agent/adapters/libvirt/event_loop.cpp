// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/event_loop.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <mutex>
#include <thread>

#include "common/base/log.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

// The loop sleeps in poll() for ever without one timer; a tick also bounds how long a handle
// registered from another thread can wait should its wake-up be lost.
constexpr int kTickMs = 1000;

void Silence(void*, virErrorPtr) {}
void Tick(int, void*) {}

void Run() {
  while (true) {
    if (virEventRunDefaultImpl() < 0) LogError("libvirt's event loop failed once");
  }
}

}  // namespace

void StartEventLoop() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (virInitialize() < 0) std::abort();
    virSetErrorFunc(nullptr, Silence);
    if (virEventRegisterDefaultImpl() < 0) std::abort();
    virEventAddTimeout(kTickMs, Tick, nullptr, nullptr);
    std::thread(Run).detach();
  });
}

}  // namespace kilonova::agent::adapters::libvirt
