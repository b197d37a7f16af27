// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/aggregate.grpc.pb.h>

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

template <class Request, class Response>
int One(const Client& client, const Request& request,
        ::grpc::Status (Service::Stub::*method)(::grpc::ClientContext*, const Request&,
                                                Response*)) {
  Response response;
  const auto stub = Service::NewStub(client.channel());
  const Status status = client.Call([&](::grpc::ClientContext* context) {
    return (stub.get()->*method)(context, request, &response);
  });
  return status.ok() ? Print(client, response.aggregate()) : Fail(status);
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
  return One<v1::CreateAggregateRequest, v1::CreateAggregateResponse>(
      client, request, &Service::Stub::CreateAggregate);
}

int ListAggregates(const Client& client) {
  std::vector<v1::Aggregate> aggregates;
  const auto stub = Service::NewStub(client.channel());
  const Status status =
      ListAll<Service::Stub, v1::ListAggregatesRequest, v1::ListAggregatesResponse, v1::Aggregate>(
          client, stub.get(), &Service::Stub::ListAggregates, {},
          [](const auto& page, auto* out) {
            out->insert(out->end(), page.aggregates().begin(), page.aggregates().end());
          },
          &aggregates);
  if (!status.ok()) return Fail(status);
  return PrintList<v1::Aggregate>(client.format(), aggregates, AggregateTable);
}

int ShowAggregate(const Client& client, const AggregateOptions& options) {
  v1::GetAggregateRequest request;
  request.set_aggregate(options.aggregate);
  return One<v1::GetAggregateRequest, v1::GetAggregateResponse>(client, request,
                                                                &Service::Stub::GetAggregate);
}

int UpdateAggregate(const Client& client, const AggregateOptions& options) {
  v1::UpdateAggregateRequest request;
  request.set_aggregate(options.aggregate);
  request.set_name(options.name);
  request.set_availability_zone(options.zone);
  return One<v1::UpdateAggregateRequest, v1::UpdateAggregateResponse>(
      client, request, &Service::Stub::UpdateAggregate);
}

int DeleteAggregate(const Client& client, const AggregateOptions& options) {
  v1::DeleteAggregateRequest request;
  v1::DeleteAggregateResponse response;
  request.set_aggregate(options.aggregate);
  const auto stub = Service::NewStub(client.channel());
  const Status status = client.Call([&](::grpc::ClientContext* context) {
    return stub->DeleteAggregate(context, request, &response);
  });
  return status.ok() ? kExitOk : Fail(status);
}

int AddAggregateHost(const Client& client, const AggregateOptions& options) {
  v1::AddHostToAggregateRequest request;
  request.set_aggregate(options.aggregate);
  request.set_host(options.host);
  return One<v1::AddHostToAggregateRequest, v1::AddHostToAggregateResponse>(
      client, request, &Service::Stub::AddHostToAggregate);
}

int RemoveAggregateHost(const Client& client, const AggregateOptions& options) {
  v1::RemoveHostFromAggregateRequest request;
  request.set_aggregate(options.aggregate);
  request.set_host(options.host);
  return One<v1::RemoveHostFromAggregateRequest, v1::RemoveHostFromAggregateResponse>(
      client, request, &Service::Stub::RemoveHostFromAggregate);
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
  return One<v1::SetAggregateMetadataRequest, v1::SetAggregateMetadataResponse>(
      client, request, &Service::Stub::SetAggregateMetadata);
}

int ListZones(const Client& client, const ZoneOptions& options) {
  std::vector<v1::AvailabilityZone> zones;
  v1::ListAvailabilityZonesRequest request;
  request.set_detail(options.hosts);
  const auto stub = Service::NewStub(client.channel());
  const Status status = ListAll<Service::Stub, v1::ListAvailabilityZonesRequest,
                                v1::ListAvailabilityZonesResponse, v1::AvailabilityZone>(
      client, stub.get(), &Service::Stub::ListAvailabilityZones, request,
      [](const auto& page, auto* out) {
        out->insert(out->end(), page.zones().begin(), page.zones().end());
      },
      &zones);
  if (!status.ok()) return Fail(status);
  return PrintList<v1::AvailabilityZone>(client.format(), zones, ZoneTable);
}

}  // namespace kilonova::cli
