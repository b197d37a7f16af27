// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/host.grpc.pb.h>

#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

class HostServiceImpl final : public UnaryService<v1::HostService::CallbackService> {
 public:
  using UnaryService::UnaryService;

  Reactor* GetHost(Call* call, const v1::GetHostRequest* request,
                   v1::GetHostResponse* response) override {
    return Run("GetHost", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("host", request->host()));
      ASSIGN_OR_RETURN(const core::HostView host, conductor().GetHost(request->host()));
      ToProto(host, response->mutable_host());
      return OkStatus();
    });
  }

  Reactor* ListHosts(Call* call, const v1::ListHostsRequest* request,
                     v1::ListHostsResponse* response) override {
    return RunList(
        "ListHosts", call, request, response,
        [this](const core::PageRequest& page) { return conductor().ListHosts(page); },
        [response](const core::HostView& host) { ToProto(host, response->add_hosts()); });
  }

  Reactor* EnableHost(Call* call, const v1::EnableHostRequest* request,
                      v1::EnableHostResponse* response) override {
    return Run("EnableHost", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("host", request->host()));
      ASSIGN_OR_RETURN(const core::HostView host, conductor().EnableHost(request->host()));
      ToProto(host, response->mutable_host());
      return OkStatus();
    });
  }

  Reactor* DisableHost(Call* call, const v1::DisableHostRequest* request,
                       v1::DisableHostResponse* response) override {
    return Run("DisableHost", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("host", request->host()));
      RETURN_IF_ERROR(CheckRef("reason", request->reason()));
      ASSIGN_OR_RETURN(const core::HostView host,
                       conductor().DisableHost(request->host(), request->reason()));
      ToProto(host, response->mutable_host());
      return OkStatus();
    });
  }
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeHostService(ApiContext& context) {
  return std::make_unique<HostServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
