// SPDX-License-Identifier: Apache-2.0
// kilonova-agent's configuration file, read into plain values. deploy/config/agent.yaml documents
// every key.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "agent/adapters/images/options.h"
#include "agent/core/settings.h"
#include "agent/guest/config.h"
#include "common/base/status.h"
#include "common/hardware/pci_device_spec.h"
#include "common/runtime/logging.h"
#include "proto/amqp/settings.h"
#include "proto/grpc/endpoint.h"

namespace kilonova::agent::app {

struct Options {
  core::AgentSettings agent;
  adapters::images::ImageStoreOptions images;
  guest::GuestConfig guest;              // host, paths, virt_type and arch are filled in later
  std::string default_ephemeral_format;  // "" = by the guest's os_type, as in Nova
  amqp::ConnectionSettings amqp;
  std::string libvirt_uri, virt_type;
  // Shared with the adapter, which may outlive what made it; null = guests get no PCI devices.
  std::shared_ptr<const hardware::PciDeviceSpecs> pci_device_specs;
  std::string scheduler_address, scheduler_authority;
  grpc::TlsFiles scheduler_tls;
  std::uint64_t journal_reserve_bytes = 0;
  std::chrono::milliseconds drain_timeout{150'000};
  std::string metrics_listen;  // "" = no port is opened
  runtime::LogOptions log;
  std::string printed;  // what is in force, for --print-config
};

// CONFIG_INVALID with everything that is wrong. An empty path is defaults and environment alone.
Expected<Options> LoadOptions(const std::filesystem::path& file);

}  // namespace kilonova::agent::app
