// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <thread>

#include "scheduler/core/fleet.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

// Anti-affinity by what the conductor says of the group alone: its hosts for the first instance of
// a request, and the members' claims for the others.
class ApartFilter : public Filter {
 public:
  std::string_view Name() const override { return "ApartFilter"; }
  bool OncePerRequest() const override { return false; }
  Expected<std::unique_ptr<PreparedFilter>> Prepare(
      const Fleet&, const PlacementRequest& request) const override {
    if (!request.instance_group || request.instance_group->policy != "anti-affinity") {
      return nullptr;
    }
    return std::make_unique<Prepared>(*request.instance_group, request.instances);
  }

 private:
  class Prepared : public PreparedFilter {
   public:
    Prepared(const InstanceGroup& group, const std::vector<Uuid>& placing) : group_(group) {
      for (const Uuid& uuid : placing) placing_.push_back(uuid.str());
    }
    Judgement Judge(const Fleet& fleet, HostIndex host) const override {
      const std::string& name = fleet.Record(host).host;
      if (std::ranges::find(group_.hosts, name) != group_.hosts.end()) return Judgement::kRefuse;
      const auto with = fleet.HostsOf(placing_);
      return std::ranges::find(with, host) != with.end() ? Judgement::kRefuse : Judgement::kPass;
    }
    void Describe(const Fleet&, HostIndex, FilterVerdict& verdict) const override {
      verdict.need = "no member";
      verdict.have = "a member";
    }

   private:
    InstanceGroup group_;
    std::vector<std::string> placing_;
  };
};

class Groups : public ConductorTest {
 protected:
  void SetUp() override {
    rig_.extend = [](Pipeline& pipeline) {
      pipeline.filters.push_back(std::make_unique<ApartFilter>());
    };
    rig_.Restart();
    for (const char* host : {"a", "b", "c"}) rig_.HostUp(host);
    rig_.AddCatalog();
  }
  Conductor& api() { return *rig_.conductor; }
  Uuid Make(const std::string& policy = "anti-affinity") {
    const auto made = api().CreateServerGroup({.name = "web", .policy = policy});
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    return made->record.id;
  }
  static CreateRequest In(const Uuid& group, const std::string& id, std::int64_t count = 1) {
    CreateRequest request = Rig::Request(id, count);
    request.instance.hints["group"] = {group.str()};
    return request;
  }
  InstancePtr CreateIn(const Uuid& group, const std::string& id) {
    const auto made = api().CreateInstances(In(group, id));
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    return made.ok() ? made->front() : nullptr;
  }
  std::vector<Uuid> Members(const Uuid& group) {
    return api().GetServerGroup(group.str())->members;
  }
};

TEST_F(Groups, AMember_JoinsWithItsClaim_AndLeavesWhenDeleted) {
  const Uuid group = Make();
  const InstancePtr one = CreateIn(group, "one");
  const InstancePtr two = CreateIn(group, "two");
  EXPECT_NE(one->host, two->host);
  EXPECT_EQ(one->server_group, group);
  EXPECT_THAT(Members(group), UnorderedElementsAre(one->uuid(), two->uuid()));
  rig_.Restart();
  for (const char* host : {"a", "b", "c"}) rig_.HostUp(host);
  EXPECT_THAT(Members(group), UnorderedElementsAre(one->uuid(), two->uuid()));
  const InstancePtr three = CreateIn(group, "three");
  EXPECT_EQ((std::set<std::string>{one->host, two->host, three->host}.size()), 3U);
  EXPECT_EQ(CreateIn(group, "four")->vm_state, model::VmState::kError);
  ASSERT_TRUE(api().DeleteInstance(one->uuid().str(), "").ok());
  EXPECT_EQ(CreateIn(group, "five")->host, one->host);
}

TEST_F(Groups, ManyAtOnce_AreAllPlacedOrNone) {
  const Uuid group = Make();
  const auto three = api().CreateInstances(In(group, "three", 3));
  ASSERT_TRUE(three.ok());
  std::set<std::string> hosts;
  for (const InstancePtr& r : *three) hosts.insert(r->host);
  EXPECT_EQ(hosts.size(), 3U);
  const Uuid other = Make();
  const auto four = api().CreateInstances(In(other, "four", 4));
  ASSERT_TRUE(four.ok());
  for (const InstancePtr& r : *four) {
    EXPECT_EQ(r->vm_state, model::VmState::kError);
    EXPECT_EQ(r->host, "");
  }
  rig_.CheckInvariants();
}

TEST_F(Groups, TwoDecisionsAtOnce_DoNotShareAHost) {
  for (int round = 0; round < 5; ++round) {
    const Uuid group = Make();
    std::vector<InstancePtr> made(3);
    {
      std::vector<std::jthread> clients;
      for (std::size_t i = 0; i < made.size(); ++i) {
        clients.emplace_back([&, i] {
          made[i] = CreateIn(group, "r" + std::to_string(round) + "-" + std::to_string(i));
        });
      }
    }
    std::set<std::string> hosts;
    for (const InstancePtr& r : made) hosts.insert(r->host);
    EXPECT_EQ(hosts.size(), 3U);
  }
}

TEST_F(Groups, ABuildThatMovesOn_KeepsThePolicy) {
  const Uuid group = Make();
  const InstancePtr one = CreateIn(group, "one");
  const InstancePtr two = CreateIn(group, "two");
  rig_.Fail(one->uuid(), "build", "HOST_DISK_FULL", true);
  const InstancePtr moved = rig_.Get(one->uuid());
  EXPECT_NE(moved->host, one->host);
  EXPECT_NE(moved->host, two->host);
  // Its old host is free for the group again.
  EXPECT_EQ(CreateIn(group, "three")->host, one->host);
  rig_.CheckInvariants();
}

TEST_F(Groups, MembersAreBounded) {
  const Uuid group = Make("affinity");
  EXPECT_TRUE(api().CreateInstances(In(group, "nine", 9)).ok());
  EXPECT_TRUE(
      HasReason(api().CreateInstances(In(group, "two", 2)).status(), reason::kQuotaExceeded));
  EXPECT_TRUE(api().CreateInstances(In(group, "one", 1)).ok());
  EXPECT_EQ(Members(group).size(), 10U);
}

TEST_F(Groups, AGroupThatIsNotThere_IsRefused) {
  const auto refused = api().CreateInstances(In(Uuid::Random(), "x"));
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(HasReason(refused.status(), reason::kServerGroupNotFound));
  CreateRequest request = Rig::Request("y");
  request.instance.hints["group"] = {"web"};
  EXPECT_EQ(api().CreateInstances(request).status().code(), Code::kInvalidArgument);
}

TEST_F(Groups, ADeletedGroup_BindsNobody) {
  const Uuid group = Make();
  const InstancePtr one = CreateIn(group, "one");
  ASSERT_TRUE(api().DeleteServerGroup("web").ok());
  EXPECT_TRUE(HasReason(api().GetServerGroup("web").status(), reason::kServerGroupNotFound));
  EXPECT_TRUE(HasReason(api().DeleteServerGroup("web"), reason::kServerGroupNotFound));
  rig_.Fail(one->uuid(), "build", "HOST_DISK_FULL", true);
  EXPECT_EQ(rig_.Get(one->uuid())->generation, 2);
}

TEST_F(Groups, NonsenseIsRefused) {
  const auto refused = [this](ServerGroupRecord group) {
    return api().CreateServerGroup(std::move(group)).status().code() == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused({.name = "", .policy = "affinity"}));
  EXPECT_TRUE(refused({.name = " x", .policy = "affinity"}));
  EXPECT_TRUE(refused({.name = "x", .policy = "legacy"}));
  EXPECT_TRUE(refused({.name = "x", .policy = "affinity", .max_server_per_host = 2}));
  EXPECT_TRUE(refused({.name = "x", .policy = "soft-anti-affinity", .max_server_per_host = 2}));
  EXPECT_TRUE(refused({.name = "x", .policy = "anti-affinity", .max_server_per_host = -1}));
  EXPECT_FALSE(refused({.name = "x", .policy = "anti-affinity", .max_server_per_host = 2}));
}

TEST_F(Groups, AreListedByProject_AndBounded) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(
        api().CreateServerGroup({.name = "g", .policy = "affinity", .project_id = "p"}).ok());
  }
  EXPECT_TRUE(HasReason(
      api().CreateServerGroup({.name = "g", .policy = "affinity", .project_id = "p"}).status(),
      reason::kQuotaExceeded));
  ASSERT_TRUE(api().CreateServerGroup({.name = "g", .policy = "affinity", .project_id = "q"}).ok());
  EXPECT_EQ(api().ListServerGroups("", {})->items.size(), 11U);
  const auto page = api().ListServerGroups("p", {6, ""});
  ASSERT_EQ(page->items.size(), 6U);
  const auto rest = api().ListServerGroups("p", {6, page->next_page_token});
  EXPECT_EQ(rest->items.size(), 4U);
  EXPECT_EQ(rest->next_page_token, "");
  EXPECT_FALSE(api().ListServerGroups("q", {6, page->next_page_token}).ok());
  EXPECT_EQ(api().GetServerGroup("g").status().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace kilonova::scheduler::core
