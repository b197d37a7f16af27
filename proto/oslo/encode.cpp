// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/encode.h"

#include <algorithm>
#include <utility>

#include "common/model/methods.h"
#include "proto/oslo/encode_objects.h"
#include "proto/oslo/envelope.h"
#include "proto/oslo/text_checks.h"
#include "proto/oslo/ticket.h"

namespace kilonova::oslo {
namespace {

constexpr const char* kVersion = "6.0";

// Nova's RequestContext.to_dict(). The token stays away: whoever can read a queue could use it.
Json WriteContext(const RequestContext& context) {
  std::string timestamp = FormatTime(context.timestamp);
  timestamp.pop_back();  // Nova writes no Z here
  const std::string identity = context.user_id + " " + context.project_id + " - default default";
  const Json roles(Json::Array(context.roles.begin(), context.roles.end()));
  return Json::MakeObject({{"user", context.user_id},
                           {"project_id", context.project_id},
                           {"system_scope", nullptr},
                           {"project", context.project_id},
                           {"domain", nullptr},
                           {"user_domain", "default"},
                           {"project_domain", "default"},
                           {"is_admin", context.is_admin},
                           {"read_only", false},
                           {"show_deleted", false},
                           {"auth_token", nullptr},
                           {"request_id", context.request_id},
                           {"global_request_id", context.request_id},
                           {"resource_uuid", nullptr},
                           {"roles", roles},
                           {"user_identity", identity},
                           {"is_admin_project", true},
                           {"user_id", context.user_id},
                           {"read_deleted", "no"},
                           {"remote_address", nullptr},
                           {"timestamp", timestamp},
                           {"quota_class", nullptr},
                           {"user_name", context.user_name},
                           {"service_catalog", Json::MakeArray()},
                           {"project_name", context.project_name}});
}

bool IsClean(const Json& json) {
  if (const std::string* text = json.AsString()) return IsCleanText(*text);
  if (const Json::Array* array = json.AsArray()) return std::ranges::all_of(*array, IsClean);
  if (const Json::Object* object = json.AsObject()) {
    return std::ranges::all_of(*object, [](const Json::Member& member) {
      return IsCleanText(member.key) && IsClean(member.value);
    });
  }
  return true;
}

Status Unsendable(std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message);
}

Expected<std::string> Seal(std::string_view method, Json args, const MessageHead& head) {
  if (!IsLowerHex(head.unique_id, 32)) return Unsendable("the unique id is not 32 hex digits");
  if (head.context.request_id.empty()) return Unsendable("the request has no id");
  RpcMessage message;
  message.method = method;
  message.args = std::move(args);
  message.version = kVersion;
  message.unique_id = head.unique_id;
  message.context = WriteContext(head.context);
  const Json json = WriteRpc(message);
  if (!IsClean(json)) return Unsendable("the request holds text that is not UTF-8, or a NUL");
  std::string body = SealEnvelope(DumpJson(json));
  if (body.size() > JsonLimits{}.bytes) {
    return Error(Code::kInvalidArgument, reason::kMessageTooLarge,
                 "the request is larger than a message may be");
  }
  return body;
}

}  // namespace

Expected<std::string> EncodeBuild(const model::BuildRequest& request, const Destination& to,
                                  const MessageHead& head) {
  if (request.instance.uuid.empty()) return Unsendable("the instance has no uuid");
  Json filter_properties = Json::MakeObject(
      {{"limits", Json::MakeObject()},
       {"retry",
        Json::MakeObject({{"num_attempts", request.attempt},
                          {"hosts", Json(Json::Array{Json(Json::Array{to.host, to.node})})}})},
       {std::string(kTicketKey), WriteTicket(request, head.context.request_id)}});
  Json args = Json::MakeObject({{"instance", WriteNewInstance(request)},
                                {"image", WriteImageDictionary(request.image)},
                                {"request_spec", WriteRequestSpec(request)},
                                {"filter_properties", std::move(filter_properties)},
                                {"admin_password", request.instance.admin_password},
                                {"injected_files", Json::MakeArray()},
                                {"requested_networks", WriteNetworkRequests(request)},
                                {"security_groups", Json(Json::Array{"default"})},
                                {"block_device_mapping", WriteBlockDevices(request)},
                                {"node", to.node},
                                {"limits", Json::MakeObject()},
                                {"host_list", Json::MakeArray()},
                                {"accel_uuids", Json::MakeArray()}});
  return Seal(model::kBuildMethod, std::move(args), head);
}

Expected<std::string> EncodeAction(const model::ActionRequest& action,
                                   const model::BuildRequest& built, const InstanceState& state,
                                   const MessageHead& head) {
  if (action.instance_uuid.empty() || action.instance_uuid != built.instance.uuid) {
    return Unsendable("the action is for another instance");
  }
  Json args =
      Json::MakeObject({{"instance", WritePlacedInstance(built, action.generation, state)}});
  switch (action.kind) {
    case model::ActionKind::kTerminate:
      args.Set("bdms", WriteBlockDevices(built));
      break;
    case model::ActionKind::kStart:
      break;
    case model::ActionKind::kStop:
      args.Set("clean_shutdown", action.clean_shutdown);
      break;
    case model::ActionKind::kReboot:
      args.Set("block_device_info", nullptr);
      args.Set("reboot_type", action.reboot_type == model::RebootType::kHard ? "HARD" : "SOFT");
      break;
  }
  return Seal(model::MethodOf(action.kind), std::move(args), head);
}

}  // namespace kilonova::oslo
