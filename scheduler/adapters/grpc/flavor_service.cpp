// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/flavor.grpc.pb.h>

#include "common/base/log.h"
#include "flavors/extra_specs/validation.h"
#include "flavors/rules/fields.h"
#include "proto/grpc/flavor.h"
#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

class FlavorServiceImpl final : public UnaryService<v1::FlavorService::CallbackService> {
 public:
  using UnaryService::UnaryService;

  Reactor* CreateFlavor(Call* call, const v1::CreateFlavorRequest* request,
                        v1::CreateFlavorResponse* response) override {
    return Run("CreateFlavor", call, *request, [this, request, response]() -> Status {
      model::Flavor flavor = wire::FromProto(request->flavor());
      flavor.id = 0;
      if (flavor.flavorid.empty()) flavor.flavorid = Uuid::Random().str();
      if (request->flavor().rxtx_factor() == 0) flavor.rxtx_factor = 1.0;
      if (const auto wrong = flavors::rules::JudgeFlavor(flavor)) {
        return flavors::rules::ToStatus(*wrong);
      }
      RETURN_IF_ERROR(CheckMeaning(flavor.extra_specs, flavor.flavorid));
      ASSIGN_OR_RETURN(const model::Flavor made, conductor().CreateFlavor(std::move(flavor)));
      wire::ToProto(made, response->mutable_flavor());
      return OkStatus();
    });
  }

  Reactor* GetFlavor(Call* call, const v1::GetFlavorRequest* request,
                     v1::GetFlavorResponse* response) override {
    return Run("GetFlavor", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("flavor", request->flavor()));
      ASSIGN_OR_RETURN(const model::Flavor flavor, conductor().GetFlavor(request->flavor()));
      wire::ToProto(flavor, response->mutable_flavor());
      return OkStatus();
    });
  }

  Reactor* ListFlavors(Call* call, const v1::ListFlavorsRequest* request,
                       v1::ListFlavorsResponse* response) override {
    return RunList(
        "ListFlavors", call, request, response,
        [this](const core::PageRequest& page) { return conductor().ListFlavors(page); },
        [response](const model::Flavor& flavor) {
          wire::ToProto(flavor, response->add_flavors());
        });
  }

  Reactor* UpdateFlavor(Call* call, const v1::UpdateFlavorRequest* request,
                        v1::UpdateFlavorResponse* response) override {
    return Run("UpdateFlavor", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("flavor", request->flavor()));
      model::ExtraSpecs specs(request->extra_specs().begin(), request->extra_specs().end());
      if (const auto wrong = flavors::rules::JudgeChange(specs, request->description())) {
        return flavors::rules::ToStatus(*wrong);
      }
      RETURN_IF_ERROR(CheckMeaning(specs, request->flavor()));
      ASSIGN_OR_RETURN(
          const model::Flavor flavor,
          conductor().UpdateFlavor(request->flavor(), std::move(specs), request->description()));
      wire::ToProto(flavor, response->mutable_flavor());
      return OkStatus();
    });
  }

  Reactor* DeleteFlavor(Call* call, const v1::DeleteFlavorRequest* request,
                        v1::DeleteFlavorResponse*) override {
    return Run("DeleteFlavor", call, *request, [this, request]() -> Status {
      RETURN_IF_ERROR(CheckRef("flavor", request->flavor()));
      return conductor().DeleteFlavor(request->flavor());
    });
  }

 private:
  // As strictly as the operator wants it.
  Status CheckMeaning(const model::ExtraSpecs& specs, const std::string& flavor) const {
    return flavors::extra_specs::Validate(specs, context().extra_specs_validation,
                                          [&flavor](const Status& odd) {
                                            LogWarn("flavor has an extra spec that is not known",
                                                    {F("flavor", flavor), F("why", odd)});
                                          });
  }
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeFlavorService(ApiContext& context) {
  return std::make_unique<FlavorServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
