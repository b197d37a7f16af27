// SPDX-License-Identifier: Apache-2.0
// What an operator may decide about images on a host.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "agent/core/paths.h"

namespace kilonova::agent::adapters::images {

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds total_timeout{3'600'000};  // one Ensure, retries included
  std::int64_t min_bytes_per_second = 1024;            // slower than this for `stall_time`: stalled
  std::chrono::seconds stall_time{30};
  int attempts = 3;  // on 5xx and when the connection fails; nothing else is tried again
  std::chrono::milliseconds first_backoff{500};  // doubles
  int max_redirects = 3;                         // on the same host only
  std::set<std::string> allowed_hosts;           // empty: every host
  std::set<std::string> denied_hosts;
  // Addresses are judged once connected to, after DNS. Off by default: an image URL must not reach
  // what only the host itself can reach.
  bool allow_loopback = false;
  bool allow_link_local = false;
  std::string ca_file;  // "" = the system's
};

struct ToolOptions {
  std::filesystem::path qemu_img = "/usr/bin/qemu-img";
  std::filesystem::path xorriso = "/usr/bin/xorriso";
  std::filesystem::path mkfs_dir = "/usr/sbin";    // mkfs.ext4, mkfs.vfat, mkswap...
  std::filesystem::path mcopy = "/usr/bin/mcopy";  // for a config drive of vfat
  std::chrono::milliseconds wall_clock{60'000};
};

// Nova's options of instances' disks, by their names there.
struct DiskOptions {
  std::string images_type = "qcow2";  // or "raw": copies instead of overlays
  bool force_raw_images = false;    // Nova's default is true, and the agent's configuration says so
  bool preallocate_images = false;  // Nova's "space": blocks are taken at once
  std::string config_drive_format = "iso9660";  // or "vfat"
};

// Nova's [image_cache] options, by their names there.
struct CacheOptions {
  bool remove_unused_base_images = true;
  std::chrono::seconds remove_unused_original_minimum_age_seconds{24 * 3600};
  // Left free by a download, but at most a hundredth of the file system; under it, unused images go
  // whatever their age.
  std::uint64_t least_free_bytes = std::uint64_t{256} << 20;
};

struct ImageStoreOptions {
  core::Paths paths;
  // Directories whose files file:// may name; empty: none. "/" is every file.
  std::vector<std::filesystem::path> image_file_roots;
  // Of qcow2, raw, ami, aki, ari. Whatever else is named here is still refused: no other format is
  // understood by the rest of the agent.
  std::set<std::string> served_formats = {"qcow2", "raw", "iso", "ami", "aki", "ari"};
  std::uint64_t max_file_bytes = std::uint64_t{1} << 40;
  HttpOptions http;
  ToolOptions tools;
  CacheOptions cache;
  DiskOptions disks;
};

}  // namespace kilonova::agent::adapters::images
