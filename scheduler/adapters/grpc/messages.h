// SPDX-License-Identifier: Apache-2.0
// The scheduler's records as messages and back.
#pragma once

#include <vector>

#include "common/base/status.h"
#include "scheduler/core/conductor.h"
#include "scheduler/core/placement.h"
#include "scheduler/core/records.h"

namespace kilonova::v1 {
class Aggregate;
class AvailabilityZone;
class CreateInstancesRequest;
class CreateInstancesResponse;
class DryRunResponse;
class ExplainResponse;
class Host;
class Image;
class Instance;
class InstanceTemplate;
class ListInstancesRequest;
class Network;
class ServerGroup;
class WhatFitsResponse;
}  // namespace kilonova::v1

namespace kilonova::scheduler::adapters::grpc {

void ToProto(const core::InstanceRecord& record, v1::Instance* out);
// The answer to a creation: compact when the whole would not fit into a message.
void ToProto(const std::vector<core::InstancePtr>& made, v1::CreateInstancesResponse* out);
core::InstanceTemplate FromProto(const v1::InstanceTemplate& instance);
Expected<core::InstanceFilter> FilterFrom(const v1::ListInstancesRequest& request);

void ToProto(const core::ImageRecord& record, v1::Image* out);

void ToProto(const core::NetworkRecord& record, v1::Network* out);
// NETWORK_INVALID when a field cannot be what it should; an empty id stays empty.
Expected<core::NetworkRecord> FromProto(const v1::Network& network);

void ToProto(const core::HostView& view, v1::Host* out);

void ToProto(const core::AggregateRecord& record, v1::Aggregate* out);
void ToProto(const core::ZoneView& zone, bool detail, v1::AvailabilityZone* out);
void ToProto(const core::ServerGroupView& view, v1::ServerGroup* out);

void ToProto(const core::Explanation& explanation, v1::ExplainResponse* out);
void ToProto(const core::PlaceResult& result, v1::DryRunResponse* out);
void ToProto(const std::vector<core::Conductor::FlavorRoom>& rooms, bool per_host,
             v1::WhatFitsResponse* out);

}  // namespace kilonova::scheduler::adapters::grpc
