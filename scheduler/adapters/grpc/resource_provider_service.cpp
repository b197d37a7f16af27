// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/resource_provider.grpc.pb.h>

#include <algorithm>

#include "proto/grpc/host_report.h"
#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

Status BadInventory(const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", "provider.inventories"}});
}

bool IsResourceClass(const std::string& name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Bounds are the engine's to judge.
Expected<core::SharingProviderRecord> RecordOf(const v1::SharingProvider& from) {
  core::SharingProviderRecord record;
  record.name = from.name();
  for (const v1::Inventory& each : from.inventories()) {
    if (!IsResourceClass(each.resource_class())) {
      return BadInventory("a resource class is of [A-Z0-9_]");
    }
    model::Inventory inventory;
    inventory.total = each.total();
    inventory.reserved = each.reserved();
    inventory.min_unit = each.min_unit() == 0 ? 1 : each.min_unit();
    inventory.step_size = each.step_size() == 0 ? 1 : each.step_size();
    inventory.max_unit =
        each.max_unit() == 0 ? std::max<std::int64_t>(each.total(), 1) : each.max_unit();
    inventory.allocation_ratio = each.allocation_ratio() == 0 ? 1.0 : each.allocation_ratio();
    if (!record.inventories.emplace(each.resource_class(), inventory).second) {
      return BadInventory("a resource class is given twice");
    }
  }
  record.traits.assign(from.traits().begin(), from.traits().end());
  return record;
}

void ToMessage(const core::SharingProviderView& view, v1::SharingProvider* out) {
  out->set_name(view.record.name);
  for (const auto& [name, inventory] : view.record.inventories) {
    auto* to = out->add_inventories();
    kilonova::grpc::ToProto(name, inventory, to);
    const auto used = view.used.find(name);
    if (used != view.used.end()) to->set_used(used->second);
  }
  for (const std::string& trait : view.record.traits) out->add_traits(trait);
  for (const std::string& aggregate : view.aggregates) out->add_aggregates(aggregate);
  out->set_created_at_us(ToMicros(view.record.created_at));
}

class ResourceProviderServiceImpl final
    : public UnaryService<v1::ResourceProviderService::CallbackService> {
 public:
  using UnaryService::UnaryService;

  Reactor* CreateSharingProvider(Call* call, const v1::CreateSharingProviderRequest* request,
                                 v1::CreateSharingProviderResponse* response) override {
    return Run("CreateSharingProvider", call, *request, [this, request, response]() -> Status {
      const v1::SharingProvider& provider = request->provider();
      for (const std::string& aggregate : provider.aggregates()) {
        RETURN_IF_ERROR(CheckRef("aggregates", aggregate));
      }
      ASSIGN_OR_RETURN(const auto record, RecordOf(provider));
      return Answer(conductor().CreateSharingProvider(
                        record, {provider.aggregates().begin(), provider.aggregates().end()}),
                    response);
    });
  }

  Reactor* GetSharingProvider(Call* call, const v1::GetSharingProviderRequest* request,
                              v1::GetSharingProviderResponse* response) override {
    return Run("GetSharingProvider", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("name", request->name()));
      return Answer(conductor().GetSharingProvider(request->name()), response);
    });
  }

  Reactor* ListSharingProviders(Call* call, const v1::ListSharingProvidersRequest* request,
                                v1::ListSharingProvidersResponse* response) override {
    return RunList(
        "ListSharingProviders", call, request, response,
        [this](const core::PageRequest& page) { return conductor().ListSharingProviders(page); },
        [response](const core::SharingProviderView& each) {
          ToMessage(each, response->add_providers());
        });
  }

  Reactor* DeleteSharingProvider(Call* call, const v1::DeleteSharingProviderRequest* request,
                                 v1::DeleteSharingProviderResponse*) override {
    return Run("DeleteSharingProvider", call, *request, [this, request]() -> Status {
      RETURN_IF_ERROR(CheckRef("name", request->name()));
      return conductor().DeleteSharingProvider(request->name());
    });
  }

 private:
  template <class Response>
  static Status Answer(const Expected<core::SharingProviderView>& provider, Response* response) {
    RETURN_IF_ERROR(provider.status());
    ToMessage(*provider, response->mutable_provider());
    return OkStatus();
  }
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeResourceProviderService(ApiContext& context) {
  return std::make_unique<ResourceProviderServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
