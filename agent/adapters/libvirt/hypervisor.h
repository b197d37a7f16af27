// SPDX-License-Identifier: Apache-2.0
// core::Hypervisor on libvirt.
//
// At most four calls in flight, each with a deadline and on a connection of its own (link.h says
// why). When libvirtd hangs, calls fail by their deadlines and then at once; keepalive gives the
// connections up and threads of the adapter's open others.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/core/hypervisor.h"

namespace kilonova::agent::adapters::libvirt {

struct Deadlines {
  std::chrono::milliseconds quick{10'000};  // state, lists of one, networks
  std::chrono::milliseconds define{30'000};
  std::chrono::milliseconds start{120'000};  // QEMU starts within it
  std::chrono::milliseconds destroy{60'000};
  std::chrono::milliseconds list{30'000};
  std::chrono::milliseconds facts{60'000};  // the first one starts QEMU to ask it
};

struct Options {
  std::string uri = "qemu:///system";
  std::string host;                // the owner tag of our domains
  std::string virt_type = "auto";  // "auto", "kvm" or "qemu"
  // What the host is asked besides: the features of the CPU models it is to choose from, and
  // whether there is that source of random numbers.
  std::vector<std::string> cpu_models;
  std::string rng_dev_path = "/dev/urandom";
  int keepalive_seconds = 4;
  unsigned keepalive_probes = 2;
  std::chrono::milliseconds most_backoff{2000};
  // Which of the host's PCI devices are listed among the facts; null: none is even looked at.
  // Shared: it never changes, and calls in flight may outlive the adapter.
  std::shared_ptr<const hardware::PciDeviceSpecs> pci_device_specs;
  bool mdevs = false;  // mediated devices are looked at
  std::string sys = "/sys";
  Deadlines deadlines;
  // Told of every call made: its name ("domain.start"), how long libvirt took, whether it went
  // well. From any thread. Calls whose deadline passed are told when they return.
  std::function<void(std::string_view call, std::chrono::microseconds took, bool ok)> on_call;
};

class Hypervisor final : public core::Hypervisor {
 public:
  // Begins to connect; returns at once.
  explicit Hypervisor(Options options);
  ~Hypervisor() override;

  bool Connected() const override;
  Expected<core::HostFacts> Facts() override;
  Status Define(const std::string& xml) override;
  Status Start(const Uuid& uuid) override;
  Status Shutdown(const Uuid& uuid) override;
  Status Destroy(const Uuid& uuid) override;
  Status Undefine(const Uuid& uuid) override;
  Status SetTpmSecret(const Uuid& uuid, const std::string& passphrase) override;
  Status ForgetTpmSecret(const Uuid& uuid) override;
  Expected<core::DomainInfo> State(const Uuid& uuid) override;
  Expected<core::HeldDevices> DevicesOf(const Uuid& uuid) override;
  Expected<std::vector<core::DomainInfo>> List() override;
  Expected<hardware::MdevMachine> Mdevs() override;
  Status CreateMdev(const hardware::Mdev& mdev) override;
  Expected<std::string> NetworkBridge(const std::string& name) override;
  // `reconnected` comes once more some seconds after each connection, when libvirtd has settled.
  void Subscribe(std::function<void(const core::DomainEvent&)> handler,
                 std::function<void()> reconnected) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// "kvm" when /dev/kvm opens and the CPU shows vmx or svm, else "qemu": there are machines with a
// /dev/kvm that cannot run a guest.
std::string DetectVirtType();

}  // namespace kilonova::agent::adapters::libvirt
