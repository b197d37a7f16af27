// SPDX-License-Identifier: Apache-2.0
// The whole on-disk tree of an agent, drawn once. No name in it comes from text a user chose.
//
//   <state_dir>/                     0711 (QEMU's user must pass through)
//     journal.db (+ -wal, -shm)      0600  what was accepted and how far it got
//     journal.reserve                0600  space kept for state changes on a full disk
//     lock                           0600  flock: one agent per state_dir
//     reading                        0600  digests of messages the agent died of while reading
//     images/                        0711  the cache: <sha256>.<format>, never changed once there
//       .tmp/                        0700  downloads; emptied at start
//     quarantine/                    0700  <uuid>.<seconds>/: directories nobody knows, for a day
//     instances/<uuid>/              0711
//       disk                         qcow2 overlay on images/<sha256>.<format>, format recorded
//       disk.local, disk.swap        ephemeral and swap disk: of the root disk's format, on no base
//       disk.config                  ISO9660 config drive
//       disk.info                    JSON {path: format}: Nova's record, never probed again
//       console.log                  written by virtlogd or QEMU, size-limited
//       vtpm.secret                  0600  passphrase of the guest's emulated TPM
//       kernel, ramdisk              private copies of cached images
#pragma once

#include <filesystem>

#include "common/base/ids.h"

namespace kilonova::agent::core {

struct Paths {
  std::filesystem::path state_dir;

  std::filesystem::path Journal() const { return state_dir / "journal.db"; }
  std::filesystem::path Reserve() const { return state_dir / "journal.reserve"; }
  std::filesystem::path Quarantine() const { return state_dir / "quarantine"; }
  std::filesystem::path Lock() const { return state_dir / "lock"; }
  std::filesystem::path Reading() const { return state_dir / "reading"; }
  std::filesystem::path Images() const { return state_dir / "images"; }
  std::filesystem::path Downloads() const { return Images() / ".tmp"; }
  std::filesystem::path Instances() const { return state_dir / "instances"; }
  std::filesystem::path Instance(const Uuid& uuid) const { return Instances() / uuid.str(); }
  std::filesystem::path Disk(const Uuid& uuid) const { return Instance(uuid) / "disk"; }
  std::filesystem::path ConfigDrive(const Uuid& uuid) const {
    return Instance(uuid) / "disk.config";
  }
  std::filesystem::path DiskInfo(const Uuid& uuid) const { return Instance(uuid) / "disk.info"; }
  std::filesystem::path Console(const Uuid& uuid) const { return Instance(uuid) / "console.log"; }
  std::filesystem::path TpmSecret(const Uuid& uuid) const { return Instance(uuid) / "vtpm.secret"; }
  std::filesystem::path Kernel(const Uuid& uuid) const { return Instance(uuid) / "kernel"; }
  std::filesystem::path Ramdisk(const Uuid& uuid) const { return Instance(uuid) / "ramdisk"; }
};

}  // namespace kilonova::agent::core
