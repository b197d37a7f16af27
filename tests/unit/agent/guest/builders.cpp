// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/agent/guest/builders.h"

#include "agent/guest/disk_placement.h"
#include "agent/guest/features.h"

namespace kilonova::testing {

Uuid Id(std::string_view text) { return Uuid::Parse(text).value(); }

agent::guest::GuestConfig PlainConfig() {
  agent::guest::GuestConfig config;
  config.host = "host-a";
  config.paths.state_dir = "/var/lib/kilonova";
  return config;
}

agent::core::CachedImage PlainBase() {
  return {"/var/lib/kilonova/images/aa.qcow2", "qcow2", 1 << 20};
}

model::NicRequest PlainNic() {
  model::NicRequest nic;
  nic.port_id = Id("d3f7d4fa-5798-4b32-9430-81b12cd79454");
  nic.network_id = Id("b61bc2f4-e4aa-4b32-9430-81b12cd79454");
  nic.network_name = "private";
  nic.kind = model::NetworkKind::kBridge;
  nic.source = "brqb61bc2f4-e4";
  nic.mac = "fa:16:3e:ec:cb:5d";
  nic.fixed_ips = {{"10.99.2.51", 24, "10.99.2.1", 4}};
  nic.dns_servers = {"10.99.2.2"};
  return nic;
}

model::BuildRequest PlainRequest() {
  model::BuildRequest request;
  auto& instance = request.instance;
  instance.id = 42;
  instance.uuid = Id("f127ea73-45ad-47cb-a6b1-fb297be92db8");
  instance.display_name = "web-1";
  instance.hostname = "web-1";
  instance.project_id = "pppp";
  instance.project_name = "demo";
  instance.user_id = "uuuu";
  instance.user_name = "alice";
  instance.created_at = ParseTime("2026-11-22T14:51:54Z").value();
  request.flavor.name = "m1.small";
  request.flavor.flavorid = "2";
  request.flavor.vcpus = 2;
  request.flavor.memory_mb = 2048;
  request.flavor.root_gb = 20;
  request.image.id = Id("a7129f21-132f-45cb-a6ea-27641febc46c");
  request.image.name = "img";
  request.image.disk_format = "qcow2";
  request.claim = {Id("11111111-2222-4333-8444-555555555555"), 3};
  request.nics = {PlainNic()};
  return request;
}

agent::core::HostFacts UefiHost() {
  agent::core::HostFacts facts;
  auto& guests = facts.guests;
  guests.canonical_machines["x86_64"] = {{"pc", "pc-i440fx-7.2"}, {"q35", "pc-q35-7.2"}};
  guests.machines["q35"] = {.uefi = true, .secure_boot = true, .sev = {}};
  guests.firmware = {
      {"/ovmf/CODE.fd", "/ovmf/VARS.fd", {{"x86_64", {"pc-i440fx-*", "pc-q35-*"}}}, {"acpi-s3"}},
      {"/ovmf/CODE.secboot.fd",
       "/ovmf/VARS.secboot.fd",
       {{"x86_64", {"pc-q35-*"}}},
       {"requires-smm", "secure-boot"}}};
  return facts;
}

Expected<agent::guest::Domain> Described(const agent::guest::GuestConfig& config,
                                         const model::BuildRequest& request,
                                         const agent::core::HostFacts& facts) {
  RETURN_IF_ERROR(agent::guest::CheckServed(request));
  ASSIGN_OR_RETURN(agent::guest::GuestInput input,
                   agent::guest::InputOf(config, facts, request, PlainBase()));
  input.serial_ports = {10000, 10001, 10002};
  ASSIGN_OR_RETURN(const auto disks, agent::guest::PlaceDisks(config, input));
  return agent::guest::DescribeGuest(config, facts.guests, input, disks);
}

std::string XmlOrError(const agent::guest::GuestConfig& config, const model::BuildRequest& request,
                       const agent::core::HostFacts& facts) {
  const auto domain = Described(config, request, facts);
  if (!domain.ok()) return Describe(domain.status());
  const auto xml = agent::guest::DomainXml(*domain);
  return xml.ok() ? *xml : Describe(xml.status());
}

}  // namespace kilonova::testing
