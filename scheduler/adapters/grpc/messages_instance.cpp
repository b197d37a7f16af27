// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/instance.pb.h>

#include "proto/grpc/flavor.h"
#include "proto/grpc/states.h"
#include "proto/grpc/utf8.h"
#include "scheduler/adapters/grpc/messages.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

namespace wire = ::kilonova::grpc;

void FaultToProto(const core::FaultRecord& fault, v1::Fault* out) {
  out->set_reason(fault.reason);
  out->set_message(wire::CleanUtf8(fault.message, 4096));
  out->set_host(fault.host);
  out->set_at_us(ToMicros(fault.at));
}

void NicToProto(const model::NicRequest& nic, v1::NetworkInterface* out) {
  out->set_port_id(nic.port_id.str());
  out->set_network_id(nic.network_id.str());
  out->set_network_name(nic.network_name);
  out->set_mac(nic.mac);
  out->set_mtu(static_cast<std::int32_t>(nic.mtu));
  for (const model::FixedIp& ip : nic.fixed_ips) {
    auto* to = out->add_fixed_ips();
    to->set_address(ip.address);
    to->set_prefix(ip.prefix);
    to->set_gateway(ip.gateway);
  }
}

constexpr std::size_t kMostAnswerBytes = 3 << 20;  // a client takes 4 MiB

// What a client must know to go on, in less than 3 KiB: a thousand of these fit.
void Compact(const core::InstanceRecord& record, v1::Instance* out) {
  out->set_uuid(record.uuid().str());
  out->set_id(record.spec.id);
  out->set_name(record.spec.display_name);
  out->set_vm_state(static_cast<v1::VmState>(wire::ToProto(record.vm_state)));
  out->set_task_state(std::string(Name(record.task_state)));
  out->set_power_state(static_cast<v1::PowerState>(wire::ToProto(record.power_state)));
  out->set_host(record.host);
  out->set_request_id(record.request_id);
  if (!record.fault) return;
  FaultToProto(*record.fault, out->mutable_fault());
  out->mutable_fault()->set_message(wire::CleanUtf8(record.fault->message, 1024));
}

}  // namespace

void ToProto(const core::InstanceRecord& record, v1::Instance* out) {
  const model::InstanceSpec& spec = record.spec;
  out->set_uuid(spec.uuid.str());
  out->set_id(spec.id);
  out->set_name(spec.display_name);
  out->set_hostname(spec.hostname);
  out->set_project_id(spec.project_id);
  out->set_user_id(spec.user_id);
  out->set_vm_state(static_cast<v1::VmState>(wire::ToProto(record.vm_state)));
  out->set_task_state(std::string(Name(record.task_state)));
  out->set_power_state(static_cast<v1::PowerState>(wire::ToProto(record.power_state)));
  out->set_host(record.host);
  out->set_availability_zone(record.availability_zone);
  wire::ToProto(*record.flavor, out->mutable_flavor());
  out->set_image_id(record.image->id.str());
  for (const model::NicRequest& nic : record.nics) NicToProto(nic, out->add_interfaces());
  for (const auto& [key, value] : spec.metadata) (*out->mutable_metadata())[key] = value;
  out->set_config_drive(spec.config_drive);
  out->set_key_name(spec.key_name);
  if (record.fault) FaultToProto(*record.fault, out->mutable_fault());
  for (const core::FaultRecord& attempt : record.attempts) {
    FaultToProto(attempt, out->add_attempts());
  }
  out->set_request_id(record.request_id);
  out->set_reservation_id(spec.reservation_id);
  out->set_launch_index(static_cast<std::int32_t>(spec.launch_index));
  out->set_generation(record.generation);
  out->set_created_at_us(ToMicros(spec.created_at));
  out->set_updated_at_us(ToMicros(record.updated_at));
  if (record.launched_at) out->set_launched_at_us(ToMicros(*record.launched_at));
  if (record.terminated_at) out->set_terminated_at_us(ToMicros(*record.terminated_at));
  if (!record.server_group.empty()) out->set_server_group(record.server_group.str());
}

void ToProto(const std::vector<core::InstancePtr>& made, v1::CreateInstancesResponse* out) {
  std::size_t bytes = 0;
  for (const core::InstancePtr& record : made) {
    v1::Instance* to = out->add_instances();
    ToProto(*record, to);
    bytes += to->ByteSizeLong() + 8;
    if (bytes > kMostAnswerBytes) break;
  }
  if (bytes <= kMostAnswerBytes) return;
  out->clear_instances();
  out->set_compact(true);
  for (const core::InstancePtr& record : made) Compact(*record, out->add_instances());
}

core::InstanceTemplate FromProto(const v1::InstanceTemplate& instance) {
  core::InstanceTemplate out;
  out.name = instance.name();
  out.flavor = instance.flavor();
  out.image = instance.image();
  out.networks.assign(instance.networks().begin(), instance.networks().end());
  out.availability_zone = instance.availability_zone();
  out.metadata.insert(instance.metadata().begin(), instance.metadata().end());
  out.user_data = instance.user_data();
  out.config_drive = instance.config_drive();
  out.key_name = instance.key_name();
  out.public_key = instance.public_key();
  out.admin_password = instance.admin_password();
  out.requested_host = instance.host();
  out.requested_node = instance.hypervisor_hostname();
  out.project_id = instance.project_id();
  out.user_id = instance.user_id();
  for (const auto& [key, values] : instance.scheduler_hints()) {
    out.hints[key].assign(values.values().begin(), values.values().end());
  }
  return out;
}

Expected<core::InstanceFilter> FilterFrom(const v1::ListInstancesRequest& request) {
  core::InstanceFilter filter;
  filter.project_id = request.project_id();
  filter.host = request.host();
  filter.name = request.name();
  filter.flavor = request.flavor();
  filter.image_id = request.image_id();
  filter.deleted = request.deleted();
  if (request.vm_state() != v1::VM_STATE_UNSPECIFIED) {
    ASSIGN_OR_RETURN(filter.vm_state, wire::VmStateFromProto(request.vm_state()));
  }
  return filter;
}

}  // namespace kilonova::scheduler::adapters::grpc
