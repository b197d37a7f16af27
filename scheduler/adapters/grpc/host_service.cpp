// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/host.grpc.pb.h>

#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

using Call = ::grpc::CallbackServerContext;
using Reactor = ::grpc::ServerUnaryReactor;

class HostServiceImpl final : public v1::HostService::CallbackService {
 public:
  explicit HostServiceImpl(ApiContext& context) : context_(context) {}

  Reactor* GetHost(Call* call, const v1::GetHostRequest* request,
                   v1::GetHostResponse* response) override {
    return Run("GetHost", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("host", request->host()));
      ASSIGN_OR_RETURN(const core::HostView host, context_.conductor.GetHost(request->host()));
      ToProto(host, response->mutable_host());
      return OkStatus();
    });
  }

  Reactor* ListHosts(Call* call, const v1::ListHostsRequest* request,
                     v1::ListHostsResponse* response) override {
    return Run("ListHosts", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckPage(request->page_size(), request->page_token()));
      return FillPage(
          request->page_size(), response,
          [&](std::int64_t size) {
            return context_.conductor.ListHosts({size, request->page_token()});
          },
          [&](const core::HostView& host) { ToProto(host, response->add_hosts()); });
    });
  }

  Reactor* EnableHost(Call* call, const v1::EnableHostRequest* request,
                      v1::EnableHostResponse* response) override {
    return Run("EnableHost", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("host", request->host()));
      ASSIGN_OR_RETURN(const core::HostView host, context_.conductor.EnableHost(request->host()));
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
                       context_.conductor.DisableHost(request->host(), request->reason()));
      ToProto(host, response->mutable_host());
      return OkStatus();
    });
  }

 private:
  template <class Work>
  Reactor* Run(const char* method, Call* call, const google::protobuf::Message& request,
               Work work) {
    return Serve(context_, context_.requests, method, call, request, std::move(work));
  }

  ApiContext& context_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeHostService(ApiContext& context) {
  return std::make_unique<HostServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
