// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <utility>

#include "common/model/methods.h"
#include "proto/oslo/decode_methods.h"
#include "proto/oslo/encode.h"
#include "proto/oslo/reader.h"
#include "proto/oslo/ticket.h"
#include "proto/oslo/views.h"

namespace kilonova::oslo {
namespace {

model::RebootType ReadRebootType(Reader& args) {
  const std::string type = args.Text("reboot_type");
  args.Require(type == "SOFT" || type == "HARD", "reboot_type", "is neither SOFT nor HARD");
  return type == "HARD" ? model::RebootType::kHard : model::RebootType::kSoft;
}

}  // namespace

Status DecodeAction(const Json& json, DecodeOptions options, ReceivedRequest* received) {
  Status status;
  Reader args(&json, "args", &status);
  const Instance instance = ReadInstance(args.Nova("instance", "Instance"));
  model::ActionRequest action;
  action.kind = model::ActionOf(received->request.method).value_or(model::ActionKind::kReboot);
  action.instance_uuid = instance.spec.uuid;
  action.instance_id = instance.spec.id;
  if (action.kind == model::ActionKind::kStop) {
    action.clean_shutdown = args.FlagOr("clean_shutdown", true);
  }
  if (action.kind == model::ActionKind::kReboot) action.reboot_type = ReadRebootType(args);
  if (action.kind == model::ActionKind::kTerminate) ReadBlockDevices(args, "bdms");
  RETURN_IF_ERROR(status);

  const auto claim = ReadClaim(instance.system_metadata);
  received->has_ticket = instance.system_metadata.contains(std::string(kGenerationKey)) ||
                         instance.system_metadata.contains(std::string(kClaimKey));
  if (!claim.ok() && (options.require_ticket || received->has_ticket)) return claim.status();
  if (claim.ok()) action.generation = claim->generation;
  received->request.body = action;
  return OkStatus();
}

Subject SubjectOf(const Json& args) {
  Subject subject;
  Status status;
  Reader reader(&args, "args", &status);
  Reader instance = reader.Nova("instance", "Instance");
  subject.instance = instance.IdOrNone("uuid");
  if (!status.ok()) return {};
  const Json* properties = reader.Find("filter_properties");
  const Json* ticket = properties == nullptr ? nullptr : properties->Find(kTicketKey);
  const Json* number = ticket == nullptr ? nullptr : ticket->Find("generation");
  if (number != nullptr && number->AsInt() != nullptr) subject.generation = *number->AsInt();
  const auto kept =
      instance.Texts("system_metadata", {.entries = 1024, .key = 255, .value = 65535});
  if (const auto claim = ReadClaim(kept); subject.generation == 0 && claim.ok()) {
    subject.generation = claim->generation;
  }
  return subject;
}

}  // namespace kilonova::oslo
