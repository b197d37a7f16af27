// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/guest_capabilities.h"

#include <absl/strings/match.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "agent/adapters/libvirt/errors.h"
#include "agent/adapters/libvirt/firmware.h"
#include "common/base/log.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

std::string FirstLine(const char* file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// /etc/machine-id is 32 hex digits.
std::string MachineId() {
  const std::string id = FirstLine("/etc/machine-id");
  if (id.size() != 32) return "";
  const auto uuid = Uuid::Parse(id.substr(0, 8) + "-" + id.substr(8, 4) + "-" + id.substr(12, 4) +
                                "-" + id.substr(16, 4) + "-" + id.substr(20));
  return uuid.ok() ? uuid->str() : "";
}

// Nova's two questions: a cgroup v1 mount with the option cpu, or v2's list of controllers.
bool HasCpuController() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device, path, type, options, rest;
  while (mounts >> device >> path >> type >> options) {
    std::getline(mounts, rest);
    if (("," + options + ",").find(",cpu,") != std::string::npos) return true;
  }
  return (" " + FirstLine("/sys/fs/cgroup/cgroup.controllers") + " ").find(" cpu ") !=
         std::string::npos;
}

std::set<int> OnlineCpus(virConnectPtr connect) {
  std::set<int> online;
  unsigned char* map = nullptr;
  const int count = virNodeGetCPUMap(connect, &map, nullptr, 0);
  for (int cpu = 0; cpu < count; ++cpu) {
    if (VIR_CPU_USABLE(map, VIR_CPU_MAPLEN(count), 0, cpu)) online.insert(cpu);
  }
  std::free(map);
  return online;
}

std::vector<std::string> CpuModels(virConnectPtr connect, const std::string& arch) {
  std::vector<std::string> models;
  char** names = nullptr;
  const int count = virConnectGetCPUModelNames(connect, arch.c_str(), &names, 0);
  for (int i = 0; i < count; ++i) {
    models.emplace_back(names[i]);
    std::free(names[i]);
  }
  std::free(names);
  return models;
}

// Asked for the aliases alone, as in Nova; a canonical name says what its alias says, and so do the
// earlier versions of the same machine.
void FillMachines(virConnectPtr connect, const Capabilities& host, const std::string& virt_type,
                  core::GuestCapabilities& guests) {
  const auto canonical = host.canonical_machines.find(host.arch);
  const auto aliases = host.machine_aliases.find(host.arch);
  if (canonical == host.canonical_machines.end() || aliases == host.machine_aliases.end()) return;
  for (const std::string& alias : aliases->second) {
    char* text = virConnectGetDomainCapabilities(connect, nullptr, host.arch.c_str(), alias.c_str(),
                                                 virt_type.c_str(), 0);
    if (text == nullptr) {
      LogDebug("libvirt does not describe a machine type",
               {F("machine", alias), F("status", LastError("domain capabilities"))});
      continue;
    }
    const auto machine = ParseMachineCapabilities(TakeText(text));
    if (!machine.ok()) continue;
    guests.machines[alias] = *machine;
    const std::string& full = canonical->second.at(alias);
    const std::string family = full.substr(0, full.find_last_of('-') + 1);  // "pc-q35-"
    for (const auto& [name, target] : canonical->second) {
      if (target == full || (family.size() > 1 && name.starts_with(family))) {
        guests.machines.try_emplace(name, *machine);
      }
    }
    const std::string sev = FirstLine("/sys/module/kvm_amd/parameters/sev");
    if (machine->sev && (sev == "1" || sev == "Y" || sev == "y")) guests.amd_sev = true;
  }
}

// The features of the models an operator named, however they are written.
void FillModels(virConnectPtr connect, const std::string& arch,
                const std::vector<std::string>& wanted, core::GuestCapabilities& guests) {
  for (const std::string& model : guests.cpu_models) {
    const auto same = [&model](const std::string& w) { return absl::EqualsIgnoreCase(w, model); };
    if (std::ranges::none_of(wanted, same)) continue;
    const std::string cpu = "<cpu><arch>" + arch + "</arch><model>" + model + "</model></cpu>";
    const char* cpus[] = {cpu.c_str()};
    char* full = virConnectBaselineCPU(connect, cpus, 1, VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES);
    if (full == nullptr) {
      LogWarn("libvirt does not say what a CPU model has",
              {F("model", model), F("status", LastError("baseline"))});
      continue;
    }
    const auto features = ParseCpuFeatures(TakeText(full));
    if (features.ok()) guests.cpu_model_features[model].insert(features->begin(), features->end());
  }
}

}  // namespace

core::GuestCapabilities ReadGuestCapabilities(virConnectPtr connect, const Capabilities& host,
                                              const std::string& virt_type,
                                              const Options& options) {
  core::GuestCapabilities guests;
  guests.host_uuid = host.host_uuid;
  guests.machine_id = MachineId();
  guests.machine_types = host.machine_types;
  guests.canonical_machines = host.canonical_machines;
  guests.cpu_models = CpuModels(connect, host.arch);
  FillModels(connect, host.arch, options.cpu_models, guests);
  FillMachines(connect, host, virt_type, guests);
  guests.cpu_control = HasCpuController();
  guests.cells = host.cells;
  guests.online_cpus = OnlineCpus(connect);
  guests.firmware = ReadFirmwareDescriptors({"/usr/share/qemu/firmware", "/etc/qemu/firmware"});
  struct utsname kernel = {};
  if (uname(&kernel) == 0) guests.kernel_major = std::atoi(kernel.release);
  guests.rng_device =
      options.rng_dev_path.empty() || access(options.rng_dev_path.c_str(), F_OK) == 0;
  return guests;
}

}  // namespace kilonova::agent::adapters::libvirt
