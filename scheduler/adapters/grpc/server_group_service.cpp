// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/server_group.grpc.pb.h>

#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

class ServerGroupServiceImpl final : public UnaryService<v1::ServerGroupService::CallbackService> {
 public:
  using UnaryService::UnaryService;

  Reactor* CreateServerGroup(Call* call, const v1::CreateServerGroupRequest* request,
                             v1::CreateServerGroupResponse* response) override {
    return Run("CreateServerGroup", call, *request, [this, request, response] {
      const v1::ServerGroup& group = request->server_group();
      return Answer(
          conductor().CreateServerGroup({.name = group.name(),
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
      return Answer(conductor().GetServerGroup(request->server_group()), response);
    });
  }

  Reactor* ListServerGroups(Call* call, const v1::ListServerGroupsRequest* request,
                            v1::ListServerGroupsResponse* response) override {
    return RunList(
        "ListServerGroups", call, request, response,
        [this, request](const core::PageRequest& page) {
          return conductor().ListServerGroups(request->project_id(), page);
        },
        [response](const core::ServerGroupView& g) { ToProto(g, response->add_server_groups()); });
  }

  Reactor* DeleteServerGroup(Call* call, const v1::DeleteServerGroupRequest* request,
                             v1::DeleteServerGroupResponse*) override {
    return Run("DeleteServerGroup", call, *request, [this, request]() -> Status {
      RETURN_IF_ERROR(CheckRef("server_group", request->server_group()));
      return conductor().DeleteServerGroup(request->server_group());
    });
  }

 private:
  template <class Response>
  static Status Answer(const Expected<core::ServerGroupView>& group, Response* response) {
    RETURN_IF_ERROR(group.status());
    ToProto(*group, response->mutable_server_group());
    return OkStatus();
  }
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeServerGroupService(ApiContext& context) {
  return std::make_unique<ServerGroupServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
