// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/network.grpc.pb.h>

#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

class NetworkServiceImpl final : public UnaryService<v1::NetworkService::CallbackService> {
 public:
  using UnaryService::UnaryService;

  Reactor* CreateNetwork(Call* call, const v1::CreateNetworkRequest* request,
                         v1::CreateNetworkResponse* response) override {
    return Run("CreateNetwork", call, *request, [this, request, response]() -> Status {
      ASSIGN_OR_RETURN(core::NetworkRecord network, FromProto(request->network()));
      ASSIGN_OR_RETURN(const core::NetworkRecord made,
                       conductor().CreateNetwork(std::move(network)));
      ToProto(made, response->mutable_network());
      return OkStatus();
    });
  }

  Reactor* GetNetwork(Call* call, const v1::GetNetworkRequest* request,
                      v1::GetNetworkResponse* response) override {
    return Run("GetNetwork", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("network", request->network()));
      ASSIGN_OR_RETURN(const core::NetworkRecord network,
                       conductor().GetNetwork(request->network()));
      ToProto(network, response->mutable_network());
      return OkStatus();
    });
  }

  Reactor* ListNetworks(Call* call, const v1::ListNetworksRequest* request,
                        v1::ListNetworksResponse* response) override {
    return RunList(
        "ListNetworks", call, request, response,
        [this](const core::PageRequest& page) { return conductor().ListNetworks(page); },
        [response](const core::NetworkRecord& network) {
          ToProto(network, response->add_networks());
        });
  }

  Reactor* DeleteNetwork(Call* call, const v1::DeleteNetworkRequest* request,
                         v1::DeleteNetworkResponse*) override {
    return Run("DeleteNetwork", call, *request, [this, request]() -> Status {
      RETURN_IF_ERROR(CheckRef("network", request->network()));
      return conductor().DeleteNetwork(request->network());
    });
  }
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeNetworkService(ApiContext& context) {
  return std::make_unique<NetworkServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
