// SPDX-License-Identifier: Apache-2.0
// Server groups. Where the members are is read and the next one added under the group's lock, and
// the decision and the claim in between are one step: a check on the host after the fact, which
// Nova's compute manager makes for policies that two requests broke at once, has nothing to find.
#include <algorithm>
#include <array>
#include <utility>

#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::array<std::string_view, 4> kPolicies{"affinity", "anti-affinity", "soft-affinity",
                                                    "soft-anti-affinity"};

Status Invalid(std::string_view field, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", std::string(field)}});
}

Status CheckGroup(ServerGroupRecord& group) {
  RETURN_IF_ERROR(CheckName("name", group.name));
  if (std::ranges::find(kPolicies, group.policy) == kPolicies.end()) {
    return Invalid("policy",
                   "policy must be affinity, anti-affinity, soft-affinity or soft-anti-affinity");
  }
  if (group.max_server_per_host < 0 || group.max_server_per_host > INT32_MAX) {
    return Invalid("max_server_per_host", "max_server_per_host must be 1 or more");
  }
  if (group.max_server_per_host != 0 && group.policy != "anti-affinity") {
    return Invalid("max_server_per_host", "only anti-affinity takes max_server_per_host");
  }
  if (group.project_id.empty()) group.project_id = "default";
  if (group.user_id.empty()) group.user_id = "default";
  RETURN_IF_ERROR(CheckText("project_id", group.project_id, 1, 255));
  return CheckText("user_id", group.user_id, 1, 255);
}

}  // namespace

Conductor::Impl::GroupLock::GroupLock(Impl& impl, const Uuid& group) : impl_(impl), group_(group) {
  if (group_.empty()) return;
  absl::MutexLock lock(&impl_.mutex_);
  const auto free = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return !impl_.busy_groups_.contains(group_);
  };
  impl_.mutex_.Await(absl::Condition(&free));
  impl_.busy_groups_.insert(group_);
}

Conductor::Impl::GroupLock::~GroupLock() {
  if (group_.empty()) return;
  absl::MutexLock lock(&impl_.mutex_);
  impl_.busy_groups_.erase(group_);
}

ServerGroupView Conductor::Impl::View(const ServerGroup& group) {
  ServerGroupView view{group.record, {}};
  for (const auto& [uuid, host] : group.members) view.members.push_back(uuid);
  return view;
}

Expected<Conductor::Impl::ServerGroup*> Conductor::Impl::FindGroup(const std::string& text) {
  if (const auto uuid = Uuid::Parse(text); uuid.ok()) {
    const auto found = groups_.find(*uuid);
    if (found != groups_.end()) return &found->second;
  }
  ServerGroup* found = nullptr;
  for (auto& [id, group] : groups_) {
    if (group.record.name != text) continue;
    if (found != nullptr) {
      return Error(Code::kFailedPrecondition, reason::kInvalidArgument,
                   "several server groups have this name; use the id", {{"field", "server_group"}});
    }
    found = &group;
  }
  if (found != nullptr) return found;
  return Error(Code::kNotFound, reason::kServerGroupNotFound,
               CheckText("server_group", text, 1, 255).ok() ? "no server group " + text
                                                            : std::string("no such server group"));
}

Expected<ServerGroupView> Conductor::Impl::CreateServerGroup(ServerGroupRecord group) {
  RETURN_IF_ERROR(CheckGroup(group));
  group.id = Uuid::Random();
  group.created_at = clock_.Now();
  const CatalogLock mine(*this);
  {
    absl::MutexLock lock(&mutex_);
    const auto has = std::ranges::count_if(groups_, [&](const auto& entry) {
      return entry.second.record.project_id == group.project_id;
    });
    if (options_.server_groups >= 0 && has >= options_.server_groups) {
      return Error(
          Code::kResourceExhausted, reason::kQuotaExceeded,
          "the project has " + std::to_string(has) + " server groups, no more are allowed");
    }
  }
  Change change;
  change.ops.emplace_back(PutServerGroup{group});
  change.on_commit.emplace_back(
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { groups_[group.id].record = group; });
  RETURN_IF_ERROR(Commit(std::move(change)));
  return ServerGroupView{group, {}};
}

Expected<ServerGroupView> Conductor::Impl::GetServerGroup(const std::string& text) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(const ServerGroup* group, FindGroup(text));
  return View(*group);
}

Expected<Page<ServerGroupView>> Conductor::Impl::ListServerGroups(const std::string& project_id,
                                                                  const PageRequest& request) {
  ASSIGN_OR_RETURN(const std::size_t size, PageSize(request));
  const std::string list = "server_groups\n" + project_id;
  Uuid after;
  if (!request.page_token.empty()) {
    ASSIGN_OR_RETURN(const std::string last, ReadPageToken(list, request.page_token));
    ASSIGN_OR_RETURN(after, Uuid::Parse(last));
  }
  Page<ServerGroupView> page;
  absl::MutexLock lock(&mutex_);
  for (auto it = groups_.upper_bound(after); it != groups_.end(); ++it) {
    if (!project_id.empty() && it->second.record.project_id != project_id) continue;
    if (page.items.size() == size) {
      page.next_page_token = MakePageToken(list, page.items.back().record.id.str());
      break;
    }
    page.items.push_back(View(it->second));
  }
  return page;
}

Status Conductor::Impl::DeleteServerGroup(const std::string& text) {
  const CatalogLock mine(*this);
  Uuid id;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const ServerGroup* group, FindGroup(text));
    id = group->record.id;
  }
  const GroupLock decisions(*this, id);
  Change change;
  change.ops.emplace_back(DropServerGroup{id});
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { groups_.erase(id); });
  return Commit(std::move(change));
}

Status Conductor::Impl::FillGroup(PlacementRequest& request, const Uuid& id, const Uuid& self,
                                  std::size_t joining) {
  if (id.empty()) return OkStatus();
  absl::MutexLock lock(&mutex_);
  return FillGroupLocked(request, id, self, joining);
}

Status Conductor::Impl::FillGroupLocked(PlacementRequest& request, const Uuid& id, const Uuid& self,
                                        std::size_t joining) {
  if (id.empty()) return OkStatus();
  const auto found = groups_.find(id);
  if (found == groups_.end()) {
    if (joining == 0) return OkStatus();  // it was deleted: nothing binds the instance any more
    return Error(Code::kInvalidArgument, reason::kServerGroupNotFound,
                 "no server group " + id.str(), {{"field", "scheduler_hints.group"}});
  }
  const ServerGroup& group = found->second;
  const auto members = static_cast<std::int64_t>(group.members.size() + joining);
  if (joining > 0 && options_.server_group_members >= 0 &&
      members > options_.server_group_members) {
    return Error(Code::kResourceExhausted, reason::kQuotaExceeded,
                 "the server group would have " + std::to_string(members) + " members, " +
                     std::to_string(options_.server_group_members) + " are allowed",
                 {{"field", "scheduler_hints.group"}});
  }
  InstanceGroup& to = request.instance_group.emplace();
  to.uuid = id;
  to.policy = group.record.policy;
  if (group.record.max_server_per_host > 0) {
    to.max_server_per_host = group.record.max_server_per_host;
  }
  std::set<std::string> hosts;
  for (const auto& [uuid, host] : group.members) {
    to.members.push_back(uuid);
    if (uuid != self && !host.empty()) hosts.insert(host);
  }
  if (self.empty()) {
    to.members.insert(to.members.end(), request.instances.begin(), request.instances.end());
  }
  to.hosts.assign(hosts.begin(), hosts.end());
  return OkStatus();
}

void Conductor::Impl::JoinGroup(const Uuid& id, const Uuid& instance, const std::string& host) {
  if (id.empty()) return;
  absl::MutexLock lock(&mutex_);
  const auto found = groups_.find(id);
  if (found != groups_.end()) found->second.members[instance] = host;
}

void Conductor::Impl::LeaveGroup(const Uuid& id, const Uuid& instance) {
  if (id.empty()) return;
  absl::MutexLock lock(&mutex_);
  const auto found = groups_.find(id);
  if (found != groups_.end()) found->second.members.erase(instance);
}

}  // namespace kilonova::scheduler::core
