// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/aggregate.grpc.pb.h>

#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

class AggregateServiceImpl final : public UnaryService<v1::AggregateService::CallbackService> {
 public:
  using UnaryService::UnaryService;

  Reactor* CreateAggregate(Call* call, const v1::CreateAggregateRequest* request,
                           v1::CreateAggregateResponse* response) override {
    return Run("CreateAggregate", call, *request, [this, request, response] {
      return Answer(conductor().CreateAggregate(request->name(), request->availability_zone()),
                    response);
    });
  }

  Reactor* GetAggregate(Call* call, const v1::GetAggregateRequest* request,
                        v1::GetAggregateResponse* response) override {
    return Run("GetAggregate", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("aggregate", request->aggregate()));
      return Answer(conductor().GetAggregate(request->aggregate()), response);
    });
  }

  Reactor* ListAggregates(Call* call, const v1::ListAggregatesRequest* request,
                          v1::ListAggregatesResponse* response) override {
    return RunList(
        "ListAggregates", call, request, response,
        [this](const core::PageRequest& page) { return conductor().ListAggregates(page); },
        [response](const core::AggregateRecord& a) { ToProto(a, response->add_aggregates()); });
  }

  Reactor* UpdateAggregate(Call* call, const v1::UpdateAggregateRequest* request,
                           v1::UpdateAggregateResponse* response) override {
    return Run("UpdateAggregate", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("aggregate", request->aggregate()));
      return Answer(conductor().UpdateAggregate(request->aggregate(), request->name(),
                                                request->availability_zone()),
                    response);
    });
  }

  Reactor* DeleteAggregate(Call* call, const v1::DeleteAggregateRequest* request,
                           v1::DeleteAggregateResponse*) override {
    return Run("DeleteAggregate", call, *request, [this, request]() -> Status {
      RETURN_IF_ERROR(CheckRef("aggregate", request->aggregate()));
      return conductor().DeleteAggregate(request->aggregate());
    });
  }

  Reactor* AddHostToAggregate(Call* call, const v1::AddHostToAggregateRequest* request,
                              v1::AddHostToAggregateResponse* response) override {
    return Run("AddHostToAggregate", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("aggregate", request->aggregate()));
      RETURN_IF_ERROR(CheckRef("host", request->host()));
      return Answer(conductor().AddHostToAggregate(request->aggregate(), request->host()),
                    response);
    });
  }

  Reactor* RemoveHostFromAggregate(Call* call, const v1::RemoveHostFromAggregateRequest* request,
                                   v1::RemoveHostFromAggregateResponse* response) override {
    return Run("RemoveHostFromAggregate", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("aggregate", request->aggregate()));
      RETURN_IF_ERROR(CheckRef("host", request->host()));
      return Answer(conductor().RemoveHostFromAggregate(request->aggregate(), request->host()),
                    response);
    });
  }

  Reactor* SetAggregateMetadata(Call* call, const v1::SetAggregateMetadataRequest* request,
                                v1::SetAggregateMetadataResponse* response) override {
    return Run("SetAggregateMetadata", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("aggregate", request->aggregate()));
      core::Conductor::MetadataChange change;
      for (const auto& [key, value] : request->set()) change.emplace(key, value);
      for (const std::string& key : request->remove()) {
        if (!change.emplace(key, std::nullopt).second) {
          return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                       "remove names a key that is to be set, or one twice", {{"field", "remove"}});
        }
      }
      return Answer(conductor().SetAggregateMetadata(request->aggregate(), change), response);
    });
  }

  Reactor* ListAvailabilityZones(Call* call, const v1::ListAvailabilityZonesRequest* request,
                                 v1::ListAvailabilityZonesResponse* response) override {
    return RunList(
        "ListAvailabilityZones", call, request, response,
        [this](const core::PageRequest& page) { return conductor().ListZones(page); },
        [request, response](const core::ZoneView& zone) {
          ToProto(zone, request->detail(), response->add_zones());
        });
  }

 private:
  template <class Response>
  static Status Answer(const Expected<core::AggregateRecord>& aggregate, Response* response) {
    RETURN_IF_ERROR(aggregate.status());
    ToProto(*aggregate, response->mutable_aggregate());
    return OkStatus();
  }
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeAggregateService(ApiContext& context) {
  return std::make_unique<AggregateServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
