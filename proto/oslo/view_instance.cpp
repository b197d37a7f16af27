// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <string>

#include "proto/oslo/text_checks.h"
#include "proto/oslo/views.h"

namespace kilonova::oslo {
namespace {

constexpr std::size_t kMaxUserData = 65535;  // base64 characters, as Nova's column
constexpr std::size_t kMaxKey = 65535;

// Nova keeps config_drive as text: "True" or "" as a rule, but any spelling of oslo's booleans may
// be in an old record.
bool ReadConfigDrive(Reader& data) {
  std::string text = data.TextOr("config_drive", "");
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const char* yes : {"1", "t", "true", "on", "y", "yes"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"", "0", "f", "false", "off", "n", "no"}) {
    if (text == no) return false;
  }
  data.Refuse("config_drive", "is neither true nor false");
  return false;
}

void ReadStates(Reader& data, Instance* out) {
  if (data.Has("vm_state")) {
    if (const auto state = model::VmStateFrom(data.Text("vm_state"))) {
      out->vm_state = *state;
    } else {
      data.Refuse("vm_state", "is not a state of Nova's");
    }
  }
  // Task states come and go with Nova's versions and decide nothing here: an unknown one is none.
  out->task_state =
      model::TaskStateFrom(data.TextOr("task_state", "")).value_or(model::TaskState::kNone);
  const auto number = data.IntOr("power_state", 0, 0, 255);
  out->power_state =
      model::PowerStateFrom(static_cast<int>(number)).value_or(model::PowerState::kNoState);
  out->launched_at = data.TimeOrNone("launched_at");
}

void ReadSpec(Reader& data, model::InstanceSpec* spec) {
  spec->id = data.IntOr("id", 0, 0, kMaxInt32);
  spec->uuid = data.Id("uuid");
  spec->display_name = data.NameOr("display_name", "");
  spec->hostname = data.TextOr("hostname", "");
  data.Require(spec->hostname.empty() || IsGuestHostname(spec->hostname), "hostname",
               "is not a host name");
  spec->project_id = data.NameOr("project_id", "");
  spec->user_id = data.NameOr("user_id", "");
  spec->availability_zone = data.NameOr("availability_zone", "");
  spec->reservation_id = data.NameOr("reservation_id", "");
  spec->launch_index = data.IntOr("launch_index", 0, 0, kMaxInt32);
  spec->key_name = data.NameOr("key_name", "");
  spec->key_data = data.TextOr("key_data", "", kMaxKey);
  spec->user_data = data.TextOr("user_data", "", kMaxUserData);
  data.Require(IsBase64(spec->user_data), "user_data", "is not base64");
  spec->config_drive = ReadConfigDrive(data);
  spec->metadata = data.Texts("metadata", {.entries = 128, .key = 255, .value = 255});
  spec->created_at = data.TimeOrNone("created_at").value_or(WallTime{});
}

}  // namespace

Instance ReadInstance(Reader data) {
  Instance out;
  ReadSpec(data, &out.spec);
  ReadStates(data, &out);
  out.image_ref = data.IdOrNone("image_ref");
  out.kernel_id = data.IdOrNone("kernel_id");
  out.ramdisk_id = data.IdOrNone("ramdisk_id");
  out.host = data.TextOr("host", "");
  out.node = data.TextOr("node", "");
  out.system_metadata =
      data.Texts("system_metadata", {.entries = 1024, .key = 255, .value = 65535});
  const auto owner = [&out](const char* key) {
    const auto it = out.system_metadata.find(key);
    return it == out.system_metadata.end() ? std::string() : it->second;
  };
  out.spec.user_name = owner("owner_user_name");
  out.spec.project_name = owner("owner_project_name");
  if (data.Has("flavor")) out.flavor = ReadFlavor(data.Nova("flavor", "Flavor"));
  if (data.Has("numa_topology")) {
    out.numa_topology = ReadNumaTopology(data.Nova("numa_topology", "InstanceNUMATopology"));
  }
  if (data.Has("pci_requests")) {
    out.pci_requests = ReadPciRequests(data.Nova("pci_requests", "InstancePCIRequests"));
  }
  out.has_trusted_certs = data.Has("trusted_certs");
  out.has_resources = data.Has("resources");
  return out;
}

}  // namespace kilonova::oslo
