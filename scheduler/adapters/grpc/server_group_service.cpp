// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/server_group.grpc.pb.h>

#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

using Call = ::grpc::CallbackServerContext;
using Reactor = ::grpc::ServerUnaryReactor;

class ServerGroupServiceImpl final : public v1::ServerGroupService::CallbackService {
 public:
  explicit ServerGroupServiceImpl(ApiContext& context) : context_(context) {}

  Reactor* CreateServerGroup(Call* call, const v1::CreateServerGroupRequest* request,
                             v1::CreateServerGroupResponse* response) override {
    return Run("CreateServerGroup", call, *request, [this, request, response] {
      const v1::ServerGroup& group = request->server_group();
      return Answer(
          context_.conductor.CreateServerGroup({.name = group.name(),
                                                .policy = group.policy(),
                                                .max_server_per_host = group.max_server_per_host(),
                                                .project_id = group.project_id(),
                                                .user_id = group.user_id()}),
          response);
    });
  }

  Reactor* GetServerGroup(Call* call, const v1::GetServerGroupRequest* request,
                          v1::GetServerGroupResponse* response) override {
    return Run("GetServerGroup", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("server_group", request->server_group()));
      return Answer(context_.conductor.GetServerGroup(request->server_group()), response);
    });
  }

  Reactor* ListServerGroups(Call* call, const v1::ListServerGroupsRequest* request,
                            v1::ListServerGroupsResponse* response) override {
    return Run("ListServerGroups", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckPage(request->page_size(), request->page_token()));
      return FillPage(
          request->page_size(), response,
          [&](std::int64_t size) {
            return context_.conductor.ListServerGroups(request->project_id(),
                                                       {size, request->page_token()});
          },
          [&](const core::ServerGroupView& g) { ToProto(g, response->add_server_groups()); });
    });
  }

  Reactor* DeleteServerGroup(Call* call, const v1::DeleteServerGroupRequest* request,
                             v1::DeleteServerGroupResponse*) override {
    return Run("DeleteServerGroup", call, *request, [this, request]() -> Status {
      RETURN_IF_ERROR(CheckRef("server_group", request->server_group()));
      return context_.conductor.DeleteServerGroup(request->server_group());
    });
  }

 private:
  template <class Response>
  static Status Answer(const Expected<core::ServerGroupView>& group, Response* response) {
    RETURN_IF_ERROR(group.status());
    ToProto(*group, response->mutable_server_group());
    return OkStatus();
  }

  template <class Work>
  Reactor* Run(const char* method, Call* call, const google::protobuf::Message& request,
               Work work) {
    return Serve(context_, context_.requests, method, call, request, std::move(work));
  }

  ApiContext& context_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeServerGroupService(ApiContext& context) {
  return std::make_unique<ServerGroupServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
