// SPDX-License-Identifier: Apache-2.0
// A hypervisor in memory. It reads uuid, name and owner tag out of domain XML by plain search,
// calls back on every change as libvirt does, and can be told to fail, to lose its connection, or
// to let guests ignore the power button. Thread-safe.
#pragma once

#include <absl/synchronization/mutex.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/core/hypervisor.h"

namespace kilonova::testing {

class FakeHypervisor final : public agent::core::Hypervisor {
 public:
  explicit FakeHypervisor(std::string host = "host1") : host_(std::move(host)) {}
  // Keeps its domains in files of `dir`, so that they outlive a killed process as guests do.
  FakeHypervisor(std::string host, const std::filesystem::path& dir);

  bool Connected() const override;
  Expected<agent::core::HostFacts> Facts() override;
  Status Define(const std::string& xml) override;
  Status Start(const Uuid& uuid) override;
  Status Shutdown(const Uuid& uuid) override;
  Status Destroy(const Uuid& uuid) override;
  Status Undefine(const Uuid& uuid) override;
  Status SetTpmSecret(const Uuid& uuid, const std::string& passphrase) override;
  Status ForgetTpmSecret(const Uuid& uuid) override;
  Expected<agent::core::DomainInfo> State(const Uuid& uuid) override;
  Expected<agent::core::HeldDevices> DevicesOf(const Uuid& uuid) override;
  Expected<std::vector<agent::core::DomainInfo>> List() override;
  Expected<hardware::MdevMachine> Mdevs() override;
  Status CreateMdev(const hardware::Mdev& mdev) override;
  void Subscribe(std::function<void(const agent::core::DomainEvent&)> handler,
                 std::function<void()> reconnected) override;

  // What tests do to it.
  void SetConnected(bool connected);  // true calls `reconnected`
  void SetHeedsButton(bool heeds);
  // The next `times` calls of `call` ("define", "start"...) answer `status`;
  // 0: it fails no more.
  void Fail(const std::string& call, const Status& status, int times = 1);
  // What libvirt has of it: as libvirtd forgets it when it restarts.
  std::string TpmSecret(const Uuid& uuid) const;
  void ForgetTpmSecrets();
  // What the guest's TPM was first started with, and must be ever after.
  std::string TpmKey(const Uuid& uuid) const;
  // A machine of `cells` NUMA nodes with `cpus` CPUs each.
  void SetCells(int cells, int cpus);
  // Guests may have them.
  void SetPciDevices(std::vector<hardware::AssignablePciDevice> devices);
  // Physical GPUs of "nvidia-35", each of which can make `each` of them. A guest whose XML has an
  // <mdev> that is not there, or that a running guest has, does not start.
  void SetGpus(const std::vector<std::string>& names, std::int64_t each);
  void ForgetMdevs();  // the machine was started anew
  std::vector<hardware::Mdev> MdevsThere() const;
  // As if the guest or its process did it.
  void GuestPowersOff(const Uuid& uuid);
  void GuestCrashes(const Uuid& uuid);
  // A domain made by somebody else or in an earlier life.
  void Plant(const agent::core::DomainInfo& domain);
  bool Has(const Uuid& uuid) const;
  bool Running(const Uuid& uuid) const;
  std::string Xml(const Uuid& uuid) const;
  int Calls(const std::string& call) const;
  // The most guests that ever ran under one uuid at once is one by construction; starts counts.
  int Starts(const Uuid& uuid) const;

 private:
  struct Domain {
    agent::core::DomainInfo info;
    std::string xml;
    std::string tpm_key;
    int starts = 0;
  };
  hardware::MdevMachine Machine() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  Status HasItsMdevs(const Domain& domain) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  Status UnlockTpm(Domain& domain) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Save(const Domain& domain) const;
  Status Enter(const std::string& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status SetPower(const std::string& call, const Uuid& uuid, model::PowerState power,
                  agent::core::DomainEventKind kind, bool must_exist);

  const std::string host_;
  const std::filesystem::path dir_;
  mutable absl::Mutex mutex_;
  bool connected_ ABSL_GUARDED_BY(mutex_) = true;
  bool heeds_button_ ABSL_GUARDED_BY(mutex_) = true;
  std::vector<agent::core::HostCell> cells_ ABSL_GUARDED_BY(mutex_);
  std::vector<hardware::AssignablePciDevice> pci_devices_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::int64_t> gpus_ ABSL_GUARDED_BY(mutex_);
  std::map<Uuid, hardware::Mdev> mdevs_ ABSL_GUARDED_BY(mutex_);
  std::map<Uuid, Domain> domains_ ABSL_GUARDED_BY(mutex_);
  std::map<Uuid, std::string> tpm_secrets_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<Status>> failures_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> calls_ ABSL_GUARDED_BY(mutex_);
  absl::Mutex handler_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  std::function<void(const agent::core::DomainEvent&)> handler_ ABSL_GUARDED_BY(handler_mutex_);
  std::function<void()> reconnected_ ABSL_GUARDED_BY(handler_mutex_);
  void Tell(const Uuid& uuid, agent::core::DomainEventKind kind);
};

}  // namespace kilonova::testing
