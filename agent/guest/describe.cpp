// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/describe.h"

#include <array>
#include <cstdio>

#include "agent/guest/context.h"
#include "agent/guest/disk_bus.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"

namespace kilonova::agent::guest {
namespace {

NovaMetadata Metadata(const GuestConfig& config, const GuestInput& input) {
  NovaMetadata nova{config.package_version, input.image_id, {}};
  for (const Vif& vif : input.vifs) {
    NovaPort port{vif.id, {}};
    for (const VifIp& ip : vif.ips) port.ips.push_back({ip.type, ip.address, ip.version});
    nova.ports.push_back(std::move(port));
  }
  return nova;
}

Status CheckInput(const GuestConfig& config, const GuestInput& input) {
  if (config.virt_type != "kvm" && config.virt_type != "qemu") {
    return Refuse(reason::kFeatureNotServed, "UnsupportedVirtType",
                  "guests of type " + Printable(config.virt_type) + " are not served",
                  {{"field", "virt_type"}});
  }
  if (input.instance.uuid.empty() || input.instance.id <= 0) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "the instance has no id");
  }
  if (input.flavor.vcpus < 1 || input.flavor.memory_mb < 1) {
    return Error(Code::kInvalidArgument, reason::kFlavorInvalid,
                 "the flavor has no vcpus or no memory");
  }
  return OkStatus();
}

void DescribeIdentity(const Context& context, Domain& domain) {
  const GuestInput& input = context.input;
  domain.instance = input.instance;
  domain.flavor = input.flavor;
  domain.virt_type = context.config.virt_type;
  domain.name = DomainName(input.instance.id);
  domain.memory_kib = input.flavor.memory_mb * 1024;
  domain.nova = Metadata(context.config, input);
  domain.owner = input.owner;
  domain.perf_events = context.config.perf_events;
  domain.emulator = context.config.emulator;
  if (!input.vm_mode.empty()) domain.boot.type = input.vm_mode;
}

// In Nova's order.
Status DescribeAll(Context& context, Domain& domain) {
  RETURN_IF_ERROR(DescribeNuma(context, domain));
  RETURN_IF_ERROR(DescribeMemory(context, domain));
  RETURN_IF_ERROR(DescribeCpuQuota(context, domain));
  RETURN_IF_ERROR(DescribeCpu(context, domain));
  RETURN_IF_ERROR(DescribeFirmware(context, domain));
  RETURN_IF_ERROR(DescribeBoot(context, domain));
  RETURN_IF_ERROR(DescribeFeatures(context, domain));
  DescribeClock(context, domain);
  RETURN_IF_ERROR(DescribeDisks(context, domain));
  RETURN_IF_ERROR(DescribeVifs(context, domain));
  RETURN_IF_ERROR(DescribeSerial(context, domain));
  RETURN_IF_ERROR(DescribeDisplay(context, domain));
  DescribeGuestAgent(context, domain);
  RETURN_IF_ERROR(DescribeRng(context, domain));
  RETURN_IF_ERROR(DescribeTpm(context, domain));
  DescribeControllers(context, domain);
  RETURN_IF_ERROR(DescribePciDevices(context, domain));
  RETURN_IF_ERROR(DescribeWatchdog(context, domain));
  DescribeBalloon(context, domain);
  DescribeMdevs(context, domain);
  RETURN_IF_ERROR(DescribeSev(context, domain));
  DescribeVpmems(context, domain);
  return DescribeViommu(context, domain);
}

}  // namespace

std::string Context::extra_spec(std::string_view name) const {
  const auto at = input.flavor.extra_specs.find(std::string(name));
  return at == input.flavor.extra_specs.end() ? "" : at->second;
}

std::string DomainName(std::int64_t instance_id) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "instance-%08llx",
                static_cast<unsigned long long>(instance_id));
  return name.data();
}

std::string TapName(const Uuid& port_id) { return "tap" + port_id.str().substr(0, 11); }

Expected<Domain> DescribeGuest(const GuestConfig& config, const core::GuestCapabilities& host,
                               const GuestInput& input, const DiskPlacement& disks) {
  RETURN_IF_ERROR(CheckInput(config, input));
  Context context{.config = config,
                  .host = host,
                  .input = input,
                  .disks = disks,
                  .needs = {.flavor = input.flavor, .image = input.image},
                  .arch = EmulatedArch(config, input.image),
                  .machine = MachineType(config, input.image)};
  Domain domain;
  DescribeIdentity(context, domain);
  RETURN_IF_ERROR(DescribeAll(context, domain));
  return domain;
}

}  // namespace kilonova::agent::guest
