// SPDX-License-Identifier: Apache-2.0
// What an operator may decide about an agent. Defaults are Nova's where Nova has the option; the
// allocation ratios are those of current Nova (4.0 and 1.0, not the 16.0 and 1.5 of older ones).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/paths.h"
#include "common/hardware/cpu_set.h"
#include "common/hardware/mdev_types.h"

namespace kilonova::agent::core {

// Nova's [serial_console]. Which guests get ports agent/guest says.
struct SerialConsoleSettings {
  bool enabled = false;
  std::string proxyclient_address = "127.0.0.1";  // QEMU listens here
  int first_port = 10'000, end_port = 20'000;     // port_range; the end is not in it
};

struct AgentSettings {
  std::string host;
  Paths paths;
  std::string availability_zone;

  std::int64_t reserved_host_cpus = 0;
  std::int64_t reserved_host_memory_mb = 512;
  std::int64_t reserved_host_disk_mb = 0;
  // The instances' file system is one that hosts share: its DISK_GB is a sharing provider's, which
  // the scheduler counts, and not this host's.
  bool shared_disk = false;
  double cpu_allocation_ratio = 4.0;
  double ram_allocation_ratio = 1.0;
  double disk_allocation_ratio = 1.0;

  // Nova's [compute] options. Unset: every online CPU is for shared guests, and pinned guests may
  // use the same.
  std::optional<hardware::CpuSet> cpu_shared_set, cpu_dedicated_set;
  // Nova's reserved_huge_pages: by NUMA node and page size (KiB), so many pages are not for guests.
  std::map<std::int64_t, std::map<std::int64_t, std::int64_t>> reserved_huge_pages;

  // Nova's [devices]: which types of mediated devices guests may have. Empty: none.
  hardware::MdevTypes mdev_types;
  // Nova's option: guests with encrypted memory at once. Unset: as many as there are wishes, where
  // the host can encrypt.
  std::optional<std::int64_t> num_memory_encrypted_guests;
  // Nova's [libvirt] file_backed_memory, MiB: guests' memory is in files and this much of it is
  // offered. 0: it is the machine's.
  std::int64_t file_backed_memory_mb = 0;
  // Guests' CPUs are the models the hypervisor was asked about, not the host's own; and what is
  // added to or taken from them ("pcid", "+aes", "-svm").
  bool cpu_of_models = false;
  std::vector<std::string> cpu_model_extra_flags;
  bool displays = false;       // guests have one: VNC or SPICE is enabled
  bool swtpm_enabled = false;  // guests may have an emulated TPM
  SerialConsoleSettings serial_console;

  std::size_t workers = 4;  // operations at once that may take long; 1 to 10
  // A virtual size no image may exceed when the flavor's root disk is the image's own size.
  std::uint64_t image_size_limit_gb = 1024;
  // A message that may have ended the agent this often is poison, or one that was begun again so
  // often in all without ever coming further (docs/adr/0012).
  std::int64_t max_starts = 3, max_starts_in_all = 10;
  std::chrono::milliseconds settled_after{60'000};  // at work so long, a death is not by it

  std::chrono::milliseconds template_wait{10'000};
  std::chrono::milliseconds hypervisor_wait{20'000};  // for libvirt to come back during a build
  std::chrono::milliseconds shutdown_timeout{60'000};
  std::chrono::milliseconds shutdown_retry{10'000};
  std::chrono::milliseconds soft_reboot_timeout{120'000};
  std::chrono::milliseconds start_timeout{30'000};  // from Start to seeing it run
  std::chrono::milliseconds poll{200};              // how often a guest's power is asked for
  std::chrono::milliseconds reconcile_every{60'000};
  std::chrono::milliseconds undo_retry_first{1'000}, undo_retry_most{60'000};
  // How often a guest that runs though it is stopped is told of again; Nova's name. Negative: once.
  std::chrono::milliseconds sync_power_state_interval{600'000};
  // Nova's [image_cache] manager_interval: negative is never, 0 is every minute.
  std::chrono::milliseconds image_cache_manager_interval{2'400'000};
  std::chrono::hours forget_after{24};  // tombstones, finished entries, quarantined directories
};

}  // namespace kilonova::agent::core
