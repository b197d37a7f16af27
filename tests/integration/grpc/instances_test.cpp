// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <thread>

#include "tests/integration/grpc/api.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

using Instances = v1::InstanceService::Stub;
using Placement = v1::PlacementService::Stub;

class InstancesTest : public ApiTest {
 protected:
  InstancesTest() {
    rig_.AddCatalog();
    rig_.HostUp("c1", {}, 200);
  }
  v1::Instance Get(const std::string& uuid) {
    v1::GetInstanceRequest request;
    request.set_instance(uuid);
    v1::GetInstanceResponse response;
    EXPECT_TRUE(Call(*instances_, &Instances::GetInstance, request, &response).ok());
    return response.instance();
  }
};

TEST_F(InstancesTest, Create_AnswersWhatWasAccepted) {
  auto request = CreateRequest("r-1", 2);
  (*request.mutable_template_()->mutable_metadata())["role"] = "web";
  const auto made = Create(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  ASSERT_EQ(made->instances_size(), 2);
  const v1::Instance& one = made->instances(0);
  EXPECT_EQ(one.name(), "web-1");
  EXPECT_EQ(one.vm_state(), v1::VM_STATE_BUILDING);
  EXPECT_EQ(one.host(), "c1");
  EXPECT_EQ(one.generation(), 1);
  EXPECT_EQ(one.flavor().name(), "m1.tiny");
  EXPECT_EQ(one.metadata().at("role"), "web");
  ASSERT_EQ(one.interfaces_size(), 1);
  EXPECT_EQ(one.interfaces(0).fixed_ips(0).prefix(), 24);
  EXPECT_TRUE(one.request_id().starts_with("req-"));

  // The same request again: the same instances. With other content: refused.
  const auto again = Create(request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->instances(1).uuid(), made->instances(1).uuid());
  request.set_count(3);
  const auto reused = Create(request);
  EXPECT_EQ(reused.status().code(), Code::kAlreadyExists);
  EXPECT_TRUE(HasReason(reused.status(), reason::kRequestIdReused));
}

TEST_F(InstancesTest, Create_RefusalsSayWhichField) {
  const auto refused = [this](auto change) {
    auto request = CreateRequest("bad");
    change(request.mutable_template_());
    return Create(request).status();
  };
  EXPECT_TRUE(HasReason(refused([](auto* t) { t->set_flavor("none"); }), reason::kFlavorNotFound));
  EXPECT_TRUE(HasReason(refused([](auto* t) { t->set_image("none"); }), reason::kImageNotFound));
  EXPECT_TRUE(
      HasReason(refused([](auto* t) { t->set_networks(0, "none"); }), reason::kNetworkNotFound));
  const Status hint = refused([](auto* t) { (*t->mutable_scheduler_hints())["colour"]; });
  EXPECT_EQ(hint.code(), Code::kInvalidArgument);
  EXPECT_EQ(DetailsOf(hint)["field"], "scheduler_hints.colour");
  auto request = CreateRequest("");
  EXPECT_EQ(DetailsOf(Create(request).status())["field"], "request_id");
}

TEST_F(InstancesTest, NoHostFits_IsAcceptedAndEndsInError) {
  auto request = CreateRequest("nowhere");
  request.mutable_template_()->set_availability_zone("mars");
  EXPECT_EQ(DetailsOf(Create(request).status())["field"], "availability_zone");
  request.mutable_template_()->clear_availability_zone();
  // No host has that one.
  (*request.mutable_template_()->mutable_scheduler_hints())["same_host"].add_values(
      Uuid::Random().str());
  const auto made = Create(request);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  const std::string uuid = made->instances(0).uuid();
  ASSERT_TRUE(Eventually([&] { return Get(uuid).vm_state() == v1::VM_STATE_ERROR; }));
  EXPECT_EQ(Get(uuid).fault().reason(), "NO_VALID_HOST");

  v1::ExplainRequest explain;
  explain.set_instance(uuid);
  v1::ExplainResponse why;
  ASSERT_TRUE(Call(*placement_, &Placement::Explain, explain, &why).ok());
  EXPECT_EQ(why.hosts(), 1);
  EXPECT_EQ(why.passed(), 0);
  ASSERT_GE(why.explanations_size(), 1);
  EXPECT_FALSE(why.explanations(0).passed());
}

TEST_F(InstancesTest, Actions_FollowTheStates) {
  const auto active = rig_.Active("r");
  const std::string uuid = active->uuid().str();
  EXPECT_EQ(Get(uuid).vm_state(), v1::VM_STATE_ACTIVE);

  v1::StartInstanceRequest start;
  start.set_instance(uuid);
  v1::StartInstanceResponse started;
  const Status conflict = Call(*instances_, &Instances::StartInstance, start, &started);
  EXPECT_EQ(conflict.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(HasReason(conflict, reason::kInstanceStateConflict));

  v1::RebootInstanceRequest reboot;
  reboot.set_instance(uuid);
  v1::RebootInstanceResponse rebooted;
  EXPECT_EQ(DetailsOf(Call(*instances_, &Instances::RebootInstance, reboot, &rebooted))["field"],
            "type");
  reboot.set_type(v1::REBOOT_TYPE_HARD);
  ASSERT_TRUE(Call(*instances_, &Instances::RebootInstance, reboot, &rebooted).ok());
  EXPECT_FALSE(rebooted.instance().task_state().empty());
  rig_.Deliver();
  rig_.Done(active->uuid(), "reboot");

  v1::StopInstanceRequest stop;
  stop.set_instance(uuid);
  v1::StopInstanceResponse stopped;
  ASSERT_TRUE(Call(*instances_, &Instances::StopInstance, stop, &stopped).ok());
  EXPECT_EQ(stopped.instance().task_state(), "powering-off");
  rig_.Deliver();
  rig_.Done(active->uuid(), "stop", model::PowerState::kShutdown);
  ASSERT_TRUE(Call(*instances_, &Instances::StartInstance, start, &started).ok());

  v1::DeleteInstanceRequest remove;
  remove.set_instance(uuid);
  v1::DeleteInstanceResponse removed;
  ASSERT_TRUE(Call(*instances_, &Instances::DeleteInstance, remove, &removed).ok());
  ASSERT_TRUE(Call(*instances_, &Instances::DeleteInstance, remove, &removed).ok());
  rig_.Deliver();
  rig_.Done(active->uuid(), "terminate", model::PowerState::kNoState);
  EXPECT_EQ(Get(uuid).vm_state(), v1::VM_STATE_DELETED);
  start.set_instance(Uuid::Random().str());
  EXPECT_TRUE(HasReason(Call(*instances_, &Instances::StartInstance, start, &started),
                        reason::kInstanceNotFound));
}

TEST_F(InstancesTest, List_FiltersAndPages) {
  ASSERT_TRUE(Create(CreateRequest("r", 5)).ok());
  v1::ListInstancesRequest request;
  request.set_page_size(2);
  std::size_t seen = 0;
  do {
    v1::ListInstancesResponse page;
    ASSERT_TRUE(Call(*instances_, &Instances::ListInstances, request, &page).ok());
    seen += static_cast<std::size_t>(page.instances_size());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, 5u);
  request.set_host("elsewhere");
  v1::ListInstancesResponse none;
  ASSERT_TRUE(Call(*instances_, &Instances::ListInstances, request, &none).ok());
  EXPECT_EQ(none.instances_size(), 0);
  request.set_page_size(5000);
  EXPECT_EQ(Call(*instances_, &Instances::ListInstances, request, &none).code(),
            Code::kInvalidArgument);
}

TEST_F(InstancesTest, PlacementCalls_ChangeNothing) {
  v1::DryRunRequest dry;
  *dry.mutable_template_() = CreateRequest("x").template_();
  dry.set_count(2);
  v1::DryRunResponse placed;
  const Status status = Call(*placement_, &Placement::DryRun, dry, &placed);
  ASSERT_TRUE(status.ok()) << Describe(status);
  ASSERT_EQ(placed.placements_size(), 2);
  EXPECT_EQ(placed.placements(0).host(), "c1");
  v1::ExplainRequest explain;
  *explain.mutable_template_() = dry.template_();
  v1::ExplainResponse why;
  ASSERT_TRUE(Call(*placement_, &Placement::Explain, explain, &why).ok());
  EXPECT_EQ(why.passed(), 1);
  EXPECT_FALSE(why.explanations(0).weights().empty());
  explain.set_instance("both");
  EXPECT_EQ(Call(*placement_, &Placement::Explain, explain, &why).code(), Code::kInvalidArgument);
  v1::ListInstancesResponse list;
  ASSERT_TRUE(Call(*instances_, &Instances::ListInstances, v1::ListInstancesRequest(), &list).ok());
  EXPECT_EQ(list.instances_size(), 0);
}

// Reads until the stream is cancelled by us or `enough` says so; returns the last cursor.
struct Watcher {
  std::int64_t cursor = 0;
  std::map<std::string, std::int64_t> updated;  // by uuid
  int bookmarks = 0, events = 0;

  Status Read(v1::InstanceService::Stub& stub, const std::function<bool()>& enough) {
    ::grpc::ClientContext context;
    v1::WatchInstancesRequest request;
    request.set_cursor(cursor);
    const auto reader = stub.WatchInstances(&context, request);
    v1::WatchInstancesResponse event;
    while (reader->Read(&event)) {
      if (event.cursor() != 0) {
        EXPECT_GE(event.cursor(), cursor);
        cursor = event.cursor();
      }
      if (event.bookmark()) ++bookmarks;
      if (event.has_instance()) {
        ++events;
        auto& last = updated[event.instance().uuid()];
        EXPECT_GE(event.instance().updated_at_us(), last);
        last = event.instance().updated_at_us();
      }
      if (enough()) {
        context.TryCancel();
        break;
      }
    }
    while (reader->Read(&event)) {
    }
    return ::kilonova::grpc::FromGrpc(reader->Finish());
  }
};

TEST_F(InstancesTest, Watch_PresentSetThenBookmark) {
  ASSERT_TRUE(Create(CreateRequest("r", 3)).ok());
  Watcher watcher;
  static_cast<void>(watcher.Read(*instances_, [&] { return watcher.bookmarks == 1; }));
  EXPECT_EQ(watcher.events, 3);
  EXPECT_GT(watcher.cursor, 0);
}

TEST_F(InstancesTest, Watch_ResumedByCursorMissesNobodyUnderLoad) {
  Watcher watcher;
  static_cast<void>(watcher.Read(*instances_, [&] { return watcher.bookmarks == 1; }));
  constexpr int kEach = 15;
  std::vector<std::jthread> clients;
  for (int t = 0; t < 4; ++t) {
    clients.emplace_back([this, t] {
      for (int i = 0; i < kEach; ++i) {
        const auto made = Create(CreateRequest(std::to_string(t) + "-" + std::to_string(i)));
        ASSERT_TRUE(made.ok()) << Describe(made.status());
      }
    });
  }
  // Breaks off after every few events and takes up again where it was.
  while (watcher.updated.size() < 4 * kEach) {
    const int stop_at = watcher.events + 7;
    const Status end = watcher.Read(*instances_, [&] {
      return watcher.events >= stop_at || watcher.updated.size() == 4 * kEach;
    });
    ASSERT_TRUE(end.code() == Code::kCancelled || end.ok()) << Describe(end);
  }
  clients.clear();
  EXPECT_EQ(watcher.updated.size(), 4u * kEach);
}

TEST_F(InstancesTest, Watch_BadCursorsAreRefused) {
  Watcher watcher;
  watcher.cursor = 1'000'000'000;
  EXPECT_EQ(watcher.Read(*instances_, [] { return false; }).code(), Code::kInvalidArgument);
  watcher.cursor = -1;
  EXPECT_EQ(watcher.Read(*instances_, [] { return false; }).code(), Code::kInvalidArgument);
}

TEST_F(InstancesTest, Watch_ManyQuietWatchersDoNotBlockCalls) {
  constexpr int kWatchers = 300;
  struct One {
    ::grpc::ClientContext context;
    std::unique_ptr<::grpc::ClientReader<v1::WatchInstancesResponse>> reader;
  };
  std::vector<std::unique_ptr<One>> watchers;
  for (int i = 0; i < kWatchers; ++i) {
    watchers.push_back(std::make_unique<One>());
    watchers.back()->reader =
        instances_->WatchInstances(&watchers.back()->context, v1::WatchInstancesRequest());
  }
  const auto made = Create(CreateRequest("r"));
  ASSERT_TRUE(made.ok());
  for (const auto& watcher : watchers) {
    v1::WatchInstancesResponse event;
    do {
      ASSERT_TRUE(watcher->reader->Read(&event));
    } while (event.instance().uuid() != made->instances(0).uuid());
    watcher->context.TryCancel();
    while (watcher->reader->Read(&event)) {
    }
    watcher->reader->Finish();
  }
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
