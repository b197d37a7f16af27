// SPDX-License-Identifier: Apache-2.0
// What every daemon's main() needs around its work.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "common/base/status.h"

namespace kilonova::runtime {

// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all it starts later, and ignores SIGPIPE.
// Call first in main.
void BlockSignals();

enum class Signal { kTerminate, kReload };
// Waits for a blocked signal; no value when `timeout` passed first. No timeout: for ever.
std::optional<Signal> WaitSignal(std::optional<std::chrono::milliseconds> timeout = std::nullopt);

// Tells systemd (or whoever set NOTIFY_SOCKET): "READY=1", "STOPPING=1", "WATCHDOG=1"... Does
// nothing without it.
void Notify(const std::string& state);

// Holds an exclusive flock on `path` (created 0600) for the life of the object.
class ProcessLock {
 public:
  static Expected<ProcessLock> Take(const std::filesystem::path& path);
  ProcessLock(ProcessLock&& other) noexcept;
  ProcessLock& operator=(ProcessLock&& other) noexcept;
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;
  ~ProcessLock();

 private:
  explicit ProcessLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// No core dumps, and memory not readable by other processes of this user: it holds passwords.
void HardenProcess();

// Creates `path` with `mode` exactly, parents 0755, whatever the umask; OK when it is there and is
// a directory owned by this user (then only its mode is set). Refuses a symbolic link.
Status MakePrivateDirectory(const std::filesystem::path& path, unsigned mode);

}  // namespace kilonova::runtime
