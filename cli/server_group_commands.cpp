// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/server_group.grpc.pb.h>

#include "cli/call.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace kilonova::cli {
namespace {

using Service = v1::ServerGroupService;

std::string Rules(const v1::ServerGroup& group) {
  return group.max_server_per_host() == 0
             ? std::string()
             : "max_server_per_host=" + std::to_string(group.max_server_per_host());
}

std::string GroupTable(const std::vector<v1::ServerGroup>& groups) {
  Table table({"ID", "NAME", "POLICY", "RULES", "MEMBERS", "PROJECT"});
  for (const auto& g : groups) {
    table.Add(
        {g.id(), g.name(), g.policy(), Rules(g), std::to_string(g.members_size()), g.project_id()});
  }
  return table.Text();
}

int Print(const Client& client, const v1::ServerGroup& g) {
  if (client.format() != Format::kTable) {
    std::cout << Render(g, client.format());
    return kExitOk;
  }
  std::string members;
  for (const auto& member : g.members()) members += (members.empty() ? "" : " ") + member;
  std::cout << KeyValues({{"id", g.id()},
                          {"name", g.name()},
                          {"policy", g.policy()},
                          {"rules", Rules(g)},
                          {"members", members},
                          {"project", g.project_id()},
                          {"user", g.user_id()},
                          {"created", TimeText(g.created_at_us())}});
  return kExitOk;
}

}  // namespace

int CreateServerGroup(const Client& client, const ServerGroupOptions& options) {
  v1::CreateServerGroupRequest request;
  v1::ServerGroup* group = request.mutable_server_group();
  group->set_name(options.group);
  group->set_policy(options.policy);
  group->set_max_server_per_host(options.max_server_per_host);
  group->set_project_id(options.project);
  group->set_user_id(options.user);
  return CallAndPrint(client, &Service::Stub::CreateServerGroup, request,
                      &v1::CreateServerGroupResponse::server_group, Print);
}

int ListServerGroups(const Client& client, const ServerGroupOptions& options) {
  v1::ListServerGroupsRequest request;
  request.set_project_id(options.project);
  return ListAndPrint(client, &Service::Stub::ListServerGroups, request,
                      &v1::ListServerGroupsResponse::server_groups, GroupTable);
}

int ShowServerGroup(const Client& client, const ServerGroupOptions& options) {
  v1::GetServerGroupRequest request;
  request.set_server_group(options.group);
  return CallAndPrint(client, &Service::Stub::GetServerGroup, request,
                      &v1::GetServerGroupResponse::server_group, Print);
}

int DeleteServerGroup(const Client& client, const ServerGroupOptions& options) {
  v1::DeleteServerGroupRequest request;
  request.set_server_group(options.group);
  return CallOnly(client, &Service::Stub::DeleteServerGroup, request);
}

}  // namespace kilonova::cli
