// SPDX-License-Identifier: Apache-2.0
// What the command line said, free of the parser.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kilonova::cli {

// Documented in docs/cli.md.
enum ExitCode {
  kExitOk = 0,
  kExitUsage = 1,        // the command line or a file it names is wrong
  kExitFailed = 2,       // the scheduler refused, or what was waited for ended badly
  kExitUnreachable = 3,  // no answer from the scheduler
  kExitRetry = 4,        // not now: overloaded, or a host is down
};

enum class Format { kTable, kJson, kYaml };

struct GlobalOptions {
  std::string server = "127.0.0.1:9500";  // where a scheduler listens unless told otherwise
  std::string ca, cert, key;
  Format format = Format::kTable;
  std::chrono::milliseconds timeout{30000};  // of one call
};

struct TemplateOptions {
  std::string name, flavor, image, availability_zone, key_name, public_key_file, user_data_file;
  std::string project, user, admin_password, host, node;
  std::vector<std::string> networks, metadata, hints;  // "key=value"
  bool config_drive = false;
};

struct CreateOptions {
  TemplateOptions what;
  int count = 1;
  std::string request_id;  // "" = a random one
  bool wait = false;
  std::chrono::milliseconds wait_timeout{600000};
};

struct InstanceOptions {
  std::string instance;
  std::string request_id;
  bool hard = false;  // reboot
  bool wait = false;
  std::chrono::milliseconds wait_timeout{600000};
  int max_bytes = 0;    // console
  bool serial = false;  // console: where its serial consoles are, not what it said
  bool follow = false;  // console
};

struct ListInstancesOptions {
  std::string project, host, state, name, flavor, image;
  bool deleted = false;
};

struct FlavorOptions {
  std::string name, flavorid, description, file;
  std::int64_t vcpus = 0, memory_mb = 0, root_gb = 0, ephemeral_gb = 0, swap_mb = 0;
  double rxtx_factor = 1.0;
  bool is_private = false, disabled = false;
  bool check = false;                    // load
  std::vector<std::string> extra_specs;  // "key=value"
};

struct ImageOptions {
  std::string id, name, url, sha256, disk_format = "qcow2", container_format = "bare";
  std::uint64_t size = 0;
  std::int64_t min_disk = 0, min_ram = 0;
  std::vector<std::string> properties;
};

struct NetworkOptions {
  std::string id, name, libvirt_network, bridge, cidr, gateway, pool_start, pool_end;
  int mtu = 0;
  bool dhcp = false;
  std::vector<std::string> dns;
};

struct AggregateOptions {
  std::string aggregate, name, zone, host;
  std::vector<std::string> metadata;  // "key=value"
  std::vector<std::string> remove;    // keys
};

struct ZoneOptions {
  bool hosts = false;
};

struct ServerGroupOptions {
  std::string group, policy, project, user;
  std::int64_t max_server_per_host = 0;
};

struct SharingProviderOptions {
  std::string name;
  std::vector<std::string> inventories, reserved, ratios;  // "CLASS=number"
  std::vector<std::string> traits, aggregates;
};

struct WhatFitsOptions {
  TemplateOptions what;
  bool hosts = false;
};

struct ExplainOptions {
  TemplateOptions what;
  std::string instance;
  int most_hosts = 0;
  int count = 1;  // dry-run
};

struct WatchOptions {
  std::vector<std::string> instances;
  std::string project;
  std::int64_t cursor = 0;
};

}  // namespace kilonova::cli
