// SPDX-License-Identifier: Apache-2.0
// Requests and messages for the codec's tests.
#pragma once

#include <functional>
#include <string>

#include "proto/oslo/decode.h"
#include "proto/oslo/encode.h"
#include "proto/oslo/envelope.h"
#include "proto/oslo/json.h"

namespace kilonova::oslo::testing {

inline Uuid Id(const char* text) { return Uuid::Parse(text).value(); }

inline model::ImageSource SomeImage() {
  model::ImageSource image;
  image.id = Id("977d50f1-4961-4b10-b7f9-5c9ce4bd4a41");
  image.name = "tiny";
  image.disk_format = "qcow2";
  image.container_format = "bare";
  image.url = "file:///srv/images/tiny.qcow2";
  image.sha256 = std::string(64, 'a');
  image.size_bytes = 17170432;
  image.min_disk_gb = 1;
  image.properties = {{"hw_machine_type", "q35"}, {"hw_cpu_cores", "2"}, {"hw_pmu", "true"}};
  return image;
}

inline model::NicRequest SomeNic() {
  model::NicRequest nic;
  nic.port_id = Id("317f81cb-bd03-4081-8785-8125601b0145");
  nic.network_id = Id("b61bc2f4-e433-47b7-a80b-294ee14474e4");
  nic.network_name = "default";
  nic.source = "default";
  nic.mac = "fa:16:3e:00:00:01";
  nic.fixed_ips = {{"10.20.0.5", 24, "10.20.0.1", 4}, {"fd00::5", 64, "", 6}};
  nic.dns_servers = {"10.20.0.2"};
  return nic;
}

inline model::BuildRequest SomeBuild() {
  model::BuildRequest build;
  build.instance.id = 7;
  build.instance.uuid = Id("37115a31-5420-4af9-9389-69e3a9f7e483");
  build.instance.display_name = "web 1";
  build.instance.hostname = "web-1";
  build.instance.project_id = "eab865270ee3454badd719937ad301ef";
  build.instance.project_name = "shop";
  build.instance.user_id = "1fa2056d5355459e86cc376ce689f525";
  build.instance.user_name = "ann";
  build.instance.reservation_id = "r-b9fa2kw9";
  build.instance.key_name = "laptop";
  build.instance.key_data = "ssh-ed25519 AAAA ann";
  build.instance.user_data = "IyEvYmluL3NoCg==";
  build.instance.admin_password = "Hv8etJCeE5U8";
  build.instance.config_drive = true;
  build.instance.metadata = {{"colour", "blue"}};
  build.instance.created_at = ParseTime("2026-11-22T14:44:28Z").value();
  build.flavor.id = 2;
  build.flavor.flavorid = "l1";
  build.flavor.name = "lab.tiny";
  build.flavor.vcpus = 1;
  build.flavor.memory_mb = 128;
  build.flavor.root_gb = 1;
  build.flavor.extra_specs = {{"hw:rng", "1"}};
  build.image = SomeImage();
  build.nics = {SomeNic()};
  build.claim = {Id("0b2c8f0e-6d5e-4b59-9c57-0d0f27d3f7a1"), 3};
  build.attempt = 2;
  build.alternates = {{"host2", "node2"}};
  return build;
}

inline MessageHead SomeHead() {
  MessageHead head;
  head.unique_id = "67e0c053f43a433ba2159d66f64d9d57";
  head.context.request_id = "req-975d7e40-c10b-448a-b5ba-7b8724ef099c";
  head.context.project_id = "eab865270ee3454badd719937ad301ef";
  head.context.project_name = "shop";
  head.context.user_id = "1fa2056d5355459e86cc376ce689f525";
  head.context.user_name = "ann";
  head.context.timestamp = ParseTime("2026-11-22T14:44:27.618571Z").value();
  return head;
}

inline std::string SomeBody() {
  return EncodeBuild(SomeBuild(), {"host1", "node1"}, SomeHead()).value();
}

// The member at a dotted path ("args.instance"); objects' data is stepped into.
inline Json& At(Json& root, std::string_view path) {
  Json* at = &root;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    Json* next = nullptr;
    if (!key.empty() && key.front() == '#') {
      next = &(*at->AsArray())[std::stoul(std::string(key.substr(1)))];
    } else {
      if (Json* data = at->Find("nova_object.data")) at = data;
      next = at->Find(key);
      if (next == nullptr) next = &at->Set(key, Json());
    }
    at = next;
  }
  return *at;
}

// A body like `body`, after `change` had its way with what is inside.
inline std::string Changed(const std::string& body, const std::function<void(Json&)>& change) {
  Json inner = ParseJson(OpenEnvelope(body).value()).value();
  change(inner);
  return SealEnvelope(DumpJson(inner));
}

}  // namespace kilonova::oslo::testing
