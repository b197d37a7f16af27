// SPDX-License-Identifier: Apache-2.0
// For the tests with real Nova: "oslo_golden encode" prints one message of each kind, a line each;
// "oslo_golden decode" reads bodies, a line each, and prints what it understood as JSON.
#include <iostream>
#include <string>

#include "tests/unit/proto/oslo/builders.h"

namespace {

using namespace kilonova;
using namespace kilonova::oslo;
using namespace kilonova::oslo::testing;

int Encode() {
  model::BuildRequest build = SomeBuild();
  build.instance.display_name =
      "w\xC3\xA9"
      "b <1>";
  build.instance.availability_zone = "az1";
  build.flavor.ephemeral_gb = 2;
  build.flavor.swap_mb = 64;
  build.kernel = SomeImage();
  build.kernel->id = Id("4ab613bc-88dc-4021-8c58-97d247f0b9a2");
  std::cout << EncodeBuild(build, {"host1", "node1"}, SomeHead()).value() << "\n";
  model::BuildRequest bare = SomeBuild();
  bare.nics.clear();
  bare.instance.key_name.clear();
  bare.instance.key_data.clear();
  std::cout << EncodeBuild(bare, {"host1", "node1"}, SomeHead()).value() << "\n";
  InstanceState state;
  state.at = {"host1", "node1"};
  state.launched_at = ParseTime("2026-11-22T14:45:00Z").value();
  using enum model::ActionKind;
  for (const model::ActionKind kind : {kTerminate, kStart, kStop, kReboot}) {
    model::ActionRequest action;
    action.kind = kind;
    action.instance_uuid = build.instance.uuid;
    action.instance_id = build.instance.id;
    action.generation = 3;
    std::cout << EncodeAction(action, build, state, SomeHead()).value() << "\n";
  }
  const Status status = Error(Code::kUnimplemented, reason::kRpcVersionUnsupported, "too new");
  std::cout << EncodeFailureReply("m1", SomeHead().unique_id, FailureOf(status)) << "\n";
  return 0;
}

Json Texts(const std::map<std::string, std::string>& texts) {
  Json out = Json::MakeObject();
  for (const auto& [key, value] : texts) out.Set(key, value);
  return out;
}

Json Show(const model::BuildRequest& build) {
  Json nics = Json::MakeArray();
  for (const model::NicRequest& nic : build.nics) {
    nics.Push(
        Json::MakeObject({{"network_id", nic.network_id.str()}, {"port_id", nic.port_id.str()}}));
  }
  return Json::MakeObject({{"uuid", build.instance.uuid.str()},
                           {"id", build.instance.id},
                           {"display_name", build.instance.display_name},
                           {"hostname", build.instance.hostname},
                           {"project_id", build.instance.project_id},
                           {"user_data", build.instance.user_data},
                           {"admin_password", build.instance.admin_password},
                           {"config_drive", build.instance.config_drive},
                           {"created_at", FormatNovaTime(build.instance.created_at)},
                           {"metadata", Texts(build.instance.metadata)},
                           {"flavorid", build.flavor.flavorid},
                           {"vcpus", build.flavor.vcpus},
                           {"memory_mb", build.flavor.memory_mb},
                           {"root_gb", build.flavor.root_gb},
                           {"swap", build.flavor.swap_mb},
                           {"rxtx_factor", build.flavor.rxtx_factor},
                           {"extra_specs", Texts(build.flavor.extra_specs)},
                           {"image", build.image.id.str()},
                           {"image_size", build.image.size_bytes},
                           {"image_properties", Texts(build.image.properties)},
                           {"kernel", build.kernel ? Json(build.kernel->id.str()) : Json()},
                           {"attempt", build.attempt},
                           {"nics", std::move(nics)}});
}

Json Show(const model::ActionRequest& action) {
  return Json::MakeObject({{"uuid", action.instance_uuid.str()},
                           {"id", action.instance_id},
                           {"clean_shutdown", action.clean_shutdown},
                           {"hard", action.reboot_type == model::RebootType::kHard}});
}

int Decode() {
  for (std::string body; std::getline(std::cin, body);) {
    const auto received = DecodeComputeRequest(body, {.require_ticket = false});
    Json out = Json::MakeObject();
    if (!received.ok()) {
      out.Set("error", Describe(received.status()));
    } else {
      out.Set("method", received->request.method);
      out.Set("request_id", received->request.request_id);
      out.Set("unique_id", received->request.unique_id);
      out.Set("body", std::visit([](const auto& request) { return Show(request); },
                                 received->request.body));
    }
    std::cout << DumpJson(out) << "\n";
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "encode") return Encode();
  if (mode == "decode") return Decode();
  std::cerr << "usage: oslo_golden encode|decode\n";
  return 2;
}
