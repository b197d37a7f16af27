// SPDX-License-Identifier: Apache-2.0
// The hypervisor, as the agent's operations need it. Implemented by agent/adapters/libvirt and by a
// fake in tests/support that passes the same contract test.
//
// Every call is synchronous, has a deadline of its own, may be made from any thread, and answers
// UNAVAILABLE / HYPERVISOR_UNAVAILABLE when there is no connection or the deadline passed: then it
// is unknown whether the thing happened, and the caller asks State again. Calls that say so are
// idempotent.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/core/guest_capabilities.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/hardware/mdevs.h"
#include "common/hardware/pci_devices.h"
#include "common/model/reports.h"
#include "common/model/states.h"

namespace kilonova::agent::core {

// Kilonova's own tag in the domain's metadata. Domains without it, or with another host's, are not
// ours: never listed, never touched.
//   <kilonova:owner xmlns:kilonova="kOwnerTagNamespace" host= generation= claim=/>
inline constexpr const char* kOwnerTagNamespace = "https://kilonova.dev/xmlns/libvirt/1.0";

struct OwnerTag {
  std::string host;
  std::int64_t generation = 0;
  Uuid claim_id;
};

struct DomainInfo {
  Uuid uuid;
  std::string name;  // instance-0000002a
  model::PowerState power = model::PowerState::kNoState;
  OwnerTag owner;
};

// Devices of the host that a domain is defined with.
struct HeldDevices {
  std::vector<std::string> pci;  // addresses: "0000:05:00.1"
  friend bool operator==(const HeldDevices&, const HeldDevices&) = default;
};

enum class DomainEventKind { kStarted, kStopped, kCrashed, kPaused, kResumed, kUndefined };

struct DomainEvent {
  Uuid uuid;
  DomainEventKind kind = DomainEventKind::kStarted;
};

// What libvirt knows of the machine; core/inventory derives a model::HostReport from it.
struct HostFacts {
  std::string hostname;  // libvirt's
  std::string arch;
  std::string cpu_model, cpu_vendor;
  std::vector<std::string> cpu_features;               // libvirt's names, sorted
  int cells = 1, sockets = 0, cores = 0, threads = 0;  // cells: NUMA nodes
  std::int64_t cpus = 0;                               // online
  std::int64_t memory_mb = 0;                          // MiB
  std::int64_t hypervisor_version = 0, libvirt_version = 0;
  std::string virt_type;  // "kvm" or "qemu": what guests will really use
  std::vector<std::vector<std::string>> supported_instances;
  // Those that guests may have: what the configured device_spec takes, guests or none on them.
  std::vector<hardware::AssignablePciDevice> pci_devices;
  // Mediated devices and what can make them, without their users; none unless types are enabled.
  hardware::MdevMachine mdevs;
  bool swtpm = false;        // swtpm and swtpm_setup are installed: guests can have a TPM
  GuestCapabilities guests;  // empty members: not asked for, or libvirt did not say
};

class Hypervisor {
 public:
  virtual ~Hypervisor() = default;

  virtual bool Connected() const = 0;
  virtual Expected<HostFacts> Facts() = 0;

  // Defines or redefines the persistent domain of `xml`. Idempotent.
  virtual Status Define(const std::string& xml) = 0;
  // Starts a defined domain; OK when it runs already.
  virtual Status Start(const Uuid& uuid) = 0;
  // Presses the power button; returns at once. OK when it is off.
  virtual Status Shutdown(const Uuid& uuid) = 0;
  // Pulls the plug; OK when it is off or gone.
  virtual Status Destroy(const Uuid& uuid) = 0;
  // Removes the definition with what libvirt keeps beside it; OK when it is gone.
  virtual Status Undefine(const Uuid& uuid) = 0;
  // Gives libvirt the passphrase of the guest's emulated TPM, under the instance's own uuid: kept
  // in its memory only, handed to nobody who asks, and what Start needs for a guest with a TPM.
  // Idempotent.
  virtual Status SetTpmSecret(const Uuid& uuid, const std::string& passphrase) = 0;
  // OK when there is none.
  virtual Status ForgetTpmSecret(const Uuid& uuid) = 0;
  // NOT_FOUND / DOMAIN_NOT_FOUND when libvirt does not know it.
  virtual Expected<DomainInfo> State(const Uuid& uuid) = 0;
  // What a guest whose record is lost has of the host. NOT_FOUND / DOMAIN_NOT_FOUND as above.
  virtual Expected<HeldDevices> DevicesOf(const Uuid& uuid) = 0;
  // Domains with this host's tag, running or not.
  virtual Expected<std::vector<DomainInfo>> List() = 0;
  // The mediated devices there are, what can make more, and who has them: any domain of the host's,
  // ours or not.
  virtual Expected<hardware::MdevMachine> Mdevs() { return hardware::MdevMachine(); }
  // Makes it; OK when one of its uuid is there. HOST_RESOURCES_EXHAUSTED when its parent makes no
  // more of the type or is gone.
  virtual Status CreateMdev(const hardware::Mdev& mdev) {
    return Error(Code::kUnimplemented, reason::kInternal, "no mediated devices: " + mdev.type);
  }
  // The bridge of libvirt's network `name` ("" if it has none). HOST_NETWORK_MISSING when there is
  // no such network or it is not active.
  virtual Expected<std::string> NetworkBridge(const std::string& name) {
    return Error(Code::kUnimplemented, reason::kInternal, "no networks here: " + name);
  }

  // `handler` is called for domains with this host's tag from a thread of the adapter's; it must
  // only enqueue. `reconnected` after each (re)connection: events may have been missed before it.
  virtual void Subscribe(std::function<void(const DomainEvent&)> handler,
                         std::function<void()> reconnected) = 0;
};

}  // namespace kilonova::agent::core
