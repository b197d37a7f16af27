// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/aggregate.grpc.pb.h>

#include "cli/call.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace kilonova::cli {
namespace {

using Service = v1::AggregateService;

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string Pairs(const google::protobuf::Map<std::string, std::string>& map) {
  std::string text;
  for (const auto& [key, value] : std::map<std::string, std::string>(map.begin(), map.end())) {
    text += (text.empty() ? "" : ", ") + key + "=" + value;
  }
  return text;
}

std::string AggregateTable(const std::vector<v1::Aggregate>& aggregates) {
  Table table({"ID", "NAME", "ZONE", "HOSTS", "METADATA"});
  for (const auto& a : aggregates) {
    auto metadata = a.metadata();
    metadata.erase("availability_zone");
    table.Add({std::to_string(a.id()), a.name(), a.availability_zone(),
               std::to_string(a.hosts_size()), Pairs(metadata)});
  }
  return table.Text();
}

int Print(const Client& client, const v1::Aggregate& a) {
  if (client.format() != Format::kTable) {
    std::cout << Render(a, client.format());
    return kExitOk;
  }
  std::cout << KeyValues({{"id", std::to_string(a.id())},
                          {"uuid", a.uuid()},
                          {"name", a.name()},
                          {"availability zone", a.availability_zone()},
                          {"metadata", Pairs(a.metadata())},
                          {"hosts", Joined(a.hosts())},
                          {"created", TimeText(a.created_at_us())},
                          {"updated", TimeText(a.updated_at_us())}});
  return kExitOk;
}

std::string ZoneTable(const std::vector<v1::AvailabilityZone>& zones) {
  Table table({"ZONE", "STATE", "HOSTS", "UP", "NAMES"});
  for (const auto& zone : zones) {
    std::string names;
    for (const auto& host : zone.detail()) names += (names.empty() ? "" : " ") + host.name();
    table.Add({zone.name(), zone.available() ? "available" : "not available",
               std::to_string(zone.hosts()), std::to_string(zone.hosts_up()), names});
  }
  return table.Text();
}

}  // namespace

int CreateAggregate(const Client& client, const AggregateOptions& options) {
  v1::CreateAggregateRequest request;
  request.set_name(options.aggregate);
  request.set_availability_zone(options.zone);
  return CallAndPrint(client, &Service::Stub::CreateAggregate, request,
                      &v1::CreateAggregateResponse::aggregate, Print);
}

int ListAggregates(const Client& client) {
  return ListAndPrint(client, &Service::Stub::ListAggregates, {},
                      &v1::ListAggregatesResponse::aggregates, AggregateTable);
}

int ShowAggregate(const Client& client, const AggregateOptions& options) {
  v1::GetAggregateRequest request;
  request.set_aggregate(options.aggregate);
  return CallAndPrint(client, &Service::Stub::GetAggregate, request,
                      &v1::GetAggregateResponse::aggregate, Print);
}

int UpdateAggregate(const Client& client, const AggregateOptions& options) {
  v1::UpdateAggregateRequest request;
  request.set_aggregate(options.aggregate);
  request.set_name(options.name);
  request.set_availability_zone(options.zone);
  return CallAndPrint(client, &Service::Stub::UpdateAggregate, request,
                      &v1::UpdateAggregateResponse::aggregate, Print);
}

int DeleteAggregate(const Client& client, const AggregateOptions& options) {
  v1::DeleteAggregateRequest request;
  request.set_aggregate(options.aggregate);
  return CallOnly(client, &Service::Stub::DeleteAggregate, request);
}

int AddAggregateHost(const Client& client, const AggregateOptions& options) {
  v1::AddHostToAggregateRequest request;
  request.set_aggregate(options.aggregate);
  request.set_host(options.host);
  return CallAndPrint(client, &Service::Stub::AddHostToAggregate, request,
                      &v1::AddHostToAggregateResponse::aggregate, Print);
}

int RemoveAggregateHost(const Client& client, const AggregateOptions& options) {
  v1::RemoveHostFromAggregateRequest request;
  request.set_aggregate(options.aggregate);
  request.set_host(options.host);
  return CallAndPrint(client, &Service::Stub::RemoveHostFromAggregate, request,
                      &v1::RemoveHostFromAggregateResponse::aggregate, Print);
}

int SetAggregateMetadata(const Client& client, const AggregateOptions& options) {
  v1::SetAggregateMetadataRequest request;
  request.set_aggregate(options.aggregate);
  const Status status =
      AddPairs(options.metadata, "metadata",
               [&](const auto& key, const auto& value) { (*request.mutable_set())[key] = value; });
  if (!status.ok()) return FailUsage(Message(status));
  for (const std::string& key : options.remove) request.add_remove(key);
  if (request.set().empty() && request.remove().empty()) {
    return FailUsage("give key=value to set or --remove KEY");
  }
  return CallAndPrint(client, &Service::Stub::SetAggregateMetadata, request,
                      &v1::SetAggregateMetadataResponse::aggregate, Print);
}

int ListZones(const Client& client, const ZoneOptions& options) {
  v1::ListAvailabilityZonesRequest request;
  request.set_detail(options.hosts);
  return ListAndPrint(client, &Service::Stub::ListAvailabilityZones, request,
                      &v1::ListAvailabilityZonesResponse::zones, ZoneTable);
}

}  // namespace kilonova::cli
