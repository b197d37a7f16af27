// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/amqp/message_encoder.h"

#include <utility>

#include "proto/oslo/encode.h"

namespace kilonova::scheduler::adapters::amqp {
namespace {

oslo::MessageHead HeadOf(const std::string& unique_id, const std::string& request_id,
                         const model::InstanceSpec& owner, WallTime asked_at) {
  return {.unique_id = unique_id,
          .context = {.request_id = request_id,
                      .project_id = owner.project_id,
                      .project_name = owner.project_name,
                      .user_id = owner.user_id,
                      .user_name = owner.user_name,
                      .timestamp = asked_at}};
}

// What the instance was last built from, as far as its record keeps it.
model::BuildRequest BuiltFrom(const core::InstanceRecord& instance) {
  model::BuildRequest built{.instance = instance.spec,
                            .flavor = *instance.flavor,
                            .image = *instance.image,
                            .nics = instance.nics,
                            .claim = {instance.claim_id, instance.generation}};
  if (instance.kernel != nullptr) built.kernel = *instance.kernel;
  if (instance.ramdisk != nullptr) built.ramdisk = *instance.ramdisk;
  return built;
}

}  // namespace

Expected<std::string> OsloMessageEncoder::EncodeBuild(const core::BuildMessage& message) const {
  return oslo::EncodeBuild(message.request,
                           {.host = message.destination.host, .node = message.destination.node},
                           HeadOf(message.unique_id, message.request_id, message.request.instance,
                                  message.request.instance.created_at));
}

Expected<std::string> OsloMessageEncoder::EncodeAction(const core::ActionMessage& message) const {
  const core::InstanceRecord& instance = message.instance;
  return oslo::EncodeAction(
      message.request, BuiltFrom(instance),
      {.at = {.host = instance.host, .node = instance.node},
       .vm_state = instance.vm_state,
       .task_state = instance.task_state,
       .power_state = instance.power_state,
       .launched_at = instance.launched_at},
      HeadOf(message.unique_id, message.request_id, instance.spec, instance.updated_at));
}

}  // namespace kilonova::scheduler::adapters::amqp
