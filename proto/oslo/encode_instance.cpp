// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>
#include <utility>

#include "proto/oslo/encode_objects.h"
#include "proto/oslo/object.h"
#include "proto/oslo/ticket.h"

namespace kilonova::oslo {
namespace {

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json TextOrNull(std::string_view text) { return text.empty() ? Json() : Json(text); }

Json EmptyList(std::string_view name) {
  return MakeObject(name, Json::MakeObject({{"objects", Json::MakeArray()}}));
}

Json WriteTexts(const std::map<std::string, std::string>& texts) {
  Json out = Json::MakeObject();
  for (const auto& [key, value] : texts) out.AsObject()->push_back({key, value});
  return out;
}

std::string IdOf(const std::optional<model::ImageSource>& image) {
  return image ? image->id.str() : std::string();
}

// Nova keeps what it must know of the image, and who asked, beside the instance.
Json WriteSystemMetadata(const model::BuildRequest& request) {
  const model::ImageSource& image = request.image;
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : image.properties) {
    if (value.size() <= 255) texts["image_" + key] = value;
  }
  texts["image_min_ram"] = std::to_string(image.min_ram_mb);
  texts["image_min_disk"] = std::to_string(request.flavor.root_gb);
  texts["image_disk_format"] = image.disk_format;
  texts["image_container_format"] = image.container_format;
  texts["image_base_image_ref"] = image.id.str();
  texts["owner_user_name"] = request.instance.user_name;
  texts["owner_project_name"] = request.instance.project_name;
  return WriteTexts(texts);
}

Json WriteKeyPairs(const model::InstanceSpec& instance) {
  Json list = Json::MakeArray();
  if (!instance.key_name.empty()) {
    list.Push(
        MakeObject("KeyPair", Json::MakeObject({{"id", 0},
                                                {"name", instance.key_name},
                                                {"user_id", instance.user_id},
                                                {"fingerprint", ""},
                                                {"public_key", instance.key_data},
                                                {"type", "ssh"},
                                                {"created_at", FormatNovaTime(instance.created_at)},
                                                {"updated_at", nullptr},
                                                {"deleted_at", nullptr},
                                                {"deleted", false}})));
  }
  return MakeObject("KeyPairList", Json::MakeObject({{"objects", std::move(list)}}));
}

Json WriteInfoCache(const model::InstanceSpec& instance) {
  return MakeObject("InstanceInfoCache",
                    Json::MakeObject({{"instance_uuid", instance.uuid.str()},
                                      {"network_info", "[]"},
                                      {"created_at", FormatNovaTime(instance.created_at)},
                                      {"updated_at", nullptr},
                                      {"deleted_at", nullptr},
                                      {"deleted", false}}));
}

Json WriteEc2Ids(std::int64_t id) {
  char name[32];
  std::snprintf(name, sizeof name, "i-%08llx", static_cast<unsigned long long>(id));
  return MakeObject("EC2Ids", Json::MakeObject({{"instance_id", name},
                                                {"ami_id", nullptr},
                                                {"kernel_id", nullptr},
                                                {"ramdisk_id", nullptr}}));
}

// The columns of an instance's record, in the order Nova sends them.
Json WriteRecord(const model::BuildRequest& request, const InstanceState& state) {
  const model::InstanceSpec& instance = request.instance;
  const model::Flavor& flavor = request.flavor;
  Json launched = state.launched_at ? Json(FormatNovaTime(*state.launched_at)) : Json();
  return Json::MakeObject({{"id", instance.id},
                           {"user_id", instance.user_id},
                           {"project_id", instance.project_id},
                           {"image_ref", request.image.id.str()},
                           {"kernel_id", IdOf(request.kernel)},
                           {"ramdisk_id", IdOf(request.ramdisk)},
                           {"hostname", TextOrNull(instance.hostname)},
                           {"launch_index", instance.launch_index},
                           {"key_name", TextOrNull(instance.key_name)},
                           {"key_data", TextOrNull(instance.key_data)},
                           {"power_state", static_cast<int>(state.power_state)},
                           {"vm_state", model::Name(state.vm_state)},
                           {"task_state", TextOrNull(model::Name(state.task_state))},
                           {"memory_mb", flavor.memory_mb},
                           {"vcpus", flavor.vcpus},
                           {"root_gb", flavor.root_gb},
                           {"ephemeral_gb", flavor.ephemeral_gb},
                           {"ephemeral_key_uuid", nullptr},
                           {"host", TextOrNull(state.at.host)},
                           {"node", TextOrNull(state.at.node)},
                           {"instance_type_id", flavor.id},
                           {"user_data", TextOrNull(instance.user_data)},
                           {"reservation_id", TextOrNull(instance.reservation_id)},
                           {"launched_at", std::move(launched)},
                           {"terminated_at", nullptr},
                           {"availability_zone", TextOrNull(instance.availability_zone)},
                           {"display_name", instance.display_name},
                           {"display_description", nullptr},
                           {"launched_on", TextOrNull(state.at.host)},
                           {"locked", false},
                           {"locked_by", nullptr},
                           {"os_type", nullptr},
                           {"architecture", nullptr},
                           {"vm_mode", nullptr},
                           {"uuid", instance.uuid.str()},
                           {"root_device_name", state.at.host.empty() ? Json() : Json("/dev/vda")},
                           {"default_ephemeral_device", nullptr},
                           {"default_swap_device", nullptr},
                           {"config_drive", instance.config_drive ? "True" : ""},
                           {"access_ip_v4", nullptr},
                           {"access_ip_v6", nullptr},
                           {"auto_disk_config", false},
                           {"progress", 0},
                           {"shutdown_terminate", false},
                           {"disable_terminate", false},
                           {"cell_name", nullptr},
                           {"metadata", WriteTexts(instance.metadata)},
                           {"system_metadata", WriteSystemMetadata(request)}});
}

// What hangs on the record.
void AddRelations(const model::BuildRequest& request, Json* data) {
  const model::InstanceSpec& instance = request.instance;
  data->AsObject()->insert(
      data->AsObject()->end(),
      {{"info_cache", WriteInfoCache(instance)},
       {"security_groups", EmptyList("SecurityGroupList")},
       {"cleaned", false},
       {"numa_topology", nullptr},
       {"pci_requests", MakeObject("InstancePCIRequests",
                                   Json::MakeObject({{"instance_uuid", instance.uuid.str()},
                                                     {"requests", WritePciRequests(request)}}))},
       {"device_metadata", nullptr},
       {"tags", EmptyList("TagList")},
       {"flavor", WriteFlavor(request.flavor, instance.created_at)},
       {"old_flavor", nullptr},
       {"new_flavor", nullptr},
       {"vcpu_model", nullptr},
       {"ec2_ids", WriteEc2Ids(instance.id)},
       {"keypairs", WriteKeyPairs(instance)},
       {"trusted_certs", nullptr},
       {"hidden", false},
       {"resources", nullptr},
       {"created_at", FormatNovaTime(instance.created_at)},
       {"updated_at", nullptr},
       {"deleted_at", nullptr},
       {"deleted", false}});
}

}  // namespace

Json WriteNewInstance(const model::BuildRequest& request) {
  InstanceState state;
  state.vm_state = model::VmState::kBuilding;
  state.task_state = model::TaskState::kScheduling;
  state.power_state = model::PowerState::kNoState;
  Json data = WriteRecord(request, state);
  AddRelations(request, &data);
  return MakeObject("Instance", std::move(data));
}

Json WritePlacedInstance(const model::BuildRequest& built, std::int64_t generation,
                         const InstanceState& state) {
  Json data = WriteRecord(built, state);
  AddRelations(built, &data);
  Json& system_metadata = *data.Find("system_metadata");
  system_metadata.Set(kGenerationKey, std::to_string(generation));
  system_metadata.Set(kClaimKey, built.claim.claim_id.str());
  return MakeObject("Instance", std::move(data));
}

}  // namespace kilonova::oslo
