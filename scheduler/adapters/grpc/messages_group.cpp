// SPDX-License-Identifier: Apache-2.0
// Aggregates, zones, server groups.
#include <kilonova/v1/aggregate.pb.h>
#include <kilonova/v1/server_group.pb.h>

#include "scheduler/adapters/grpc/messages.h"

namespace kilonova::scheduler::adapters::grpc {

void ToProto(const core::AggregateRecord& record, v1::Aggregate* out) {
  out->set_id(record.id);
  out->set_uuid(record.uuid.str());
  out->set_name(record.name);
  if (const auto zone = record.metadata.find("availability_zone"); zone != record.metadata.end()) {
    out->set_availability_zone(zone->second);
  }
  out->mutable_metadata()->insert(record.metadata.begin(), record.metadata.end());
  for (const std::string& host : record.hosts) out->add_hosts(host);
  out->set_created_at_us(ToMicros(record.created_at));
  if (record.updated_at) out->set_updated_at_us(ToMicros(*record.updated_at));
}

void ToProto(const core::ZoneView& zone, bool detail, v1::AvailabilityZone* out) {
  out->set_name(zone.name);
  out->set_available(zone.available);
  out->set_hosts(static_cast<std::int64_t>(zone.hosts.size()));
  out->set_hosts_up(zone.hosts_up);
  if (!detail) return;
  for (const auto& host : zone.hosts) {
    auto* to = out->add_detail();
    to->set_name(host.name);
    to->set_up(host.up);
    to->set_enabled(host.enabled);
  }
}

void ToProto(const core::ServerGroupView& view, v1::ServerGroup* out) {
  out->set_id(view.record.id.str());
  out->set_name(view.record.name);
  out->set_policy(view.record.policy);
  out->set_max_server_per_host(view.record.max_server_per_host);
  out->set_project_id(view.record.project_id);
  out->set_user_id(view.record.user_id);
  for (const Uuid& member : view.members) out->add_members(member.str());
  out->set_created_at_us(ToMicros(view.record.created_at));
}

}  // namespace kilonova::scheduler::adapters::grpc
