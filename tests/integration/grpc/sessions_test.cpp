// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "agent/adapters/scheduler/grpc_transport.h"
#include "agent/adapters/scheduler/session_client.h"
#include "tests/integration/grpc/api.h"
#include "tests/support/fake_journal.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

namespace agent_side = agent::adapters::scheduler;
using Agents = v1::AgentService::Stub;
using Hosts = v1::HostService::Stub;

class SessionsTest : public ApiTest {
 protected:
  v1::Host Host(const std::string& name) {
    v1::GetHostRequest request;
    request.set_host(name);
    v1::GetHostResponse response;
    const Status status = Call(*hosts_, &Hosts::GetHost, request, &response);
    return status.ok() ? response.host() : v1::Host();
  }
  Status Confirm(const std::string& host, const std::string& instance, std::int64_t generation) {
    v1::ConfirmStartRequest request;
    request.set_host(host);
    request.set_instance_uuid(instance);
    request.set_generation(generation);
    v1::ConfirmStartResponse response;
    return Call(*agents_, &Agents::ConfirmStart, request, &response);
  }
  static v1::SessionRequest Built(const v1::Instance& instance, std::int64_t seq) {
    v1::SessionRequest request;
    v1::StateReport* report = request.mutable_state();
    report->set_seq(seq);
    report->set_instance_uuid(instance.uuid());
    report->set_generation(instance.generation());
    report->set_request_id(instance.request_id());
    report->set_operation("build");
    report->set_outcome(v1::OUTCOME_DONE);
    report->set_vm_state(v1::VM_STATE_ACTIVE);
    report->set_power_state(v1::POWER_STATE_RUNNING);
    return request;
  }

  const std::string journal_ = Uuid::Random().str();
};

TEST_F(SessionsTest, Greeting_MakesTheHostUpAndGivesTheFlavors) {
  rig_.AddCatalog();
  RawAgent agent(*agents_);
  const v1::Welcome welcome = agent.Greet("c1", journal_);
  EXPECT_EQ(welcome.lease_ms(), 15000);
  EXPECT_TRUE(Uuid::Parse(welcome.session_id()).ok());
  const auto flavors = agent.Hear(v1::SessionResponse::kFlavors).flavors();
  ASSERT_EQ(flavors.flavors_size(), 1);
  EXPECT_EQ(flavors.flavors(0).name(), "m1.tiny");
  EXPECT_TRUE(Host("c1").up());
  EXPECT_EQ(Host("c1").agent_version(), "raw");
  agent.End();
  EXPECT_TRUE(Eventually([&] { return !Host("c1").up(); }));
}

TEST_F(SessionsTest, FlavorChanges_AreToldToAllAndOnlyWhenNew) {
  rig_.AddCatalog();
  RawAgent one(*agents_), two(*agents_);
  one.Greet("c1", journal_);
  const auto first = one.Hear(v1::SessionResponse::kFlavors).flavors();
  // It has them already: the next it hears of flavors is a change.
  auto hello = RawAgent::HelloOf("c2", Uuid::Random().str());
  hello.mutable_hello()->set_flavors_hash(first.flavors_hash());
  ASSERT_TRUE(two.Say(hello));
  ASSERT_TRUE(two.Hear().has_welcome());
  model::Flavor flavor;
  flavor.flavorid = "2";
  flavor.name = "m1.small";
  flavor.vcpus = 2;
  flavor.memory_mb = 1024;
  ASSERT_TRUE(rig_.conductor->CreateFlavor(flavor).ok());
  EXPECT_EQ(one.Hear(v1::SessionResponse::kFlavors).flavors().flavors_size(), 2);
  EXPECT_EQ(two.Hear(v1::SessionResponse::kFlavors).flavors().flavors_size(), 2);
}

TEST_F(SessionsTest, SilentHost_IsDownWhenItsLeaseEndsAndItsSessionIsOver) {
  RawAgent agent(*agents_);
  agent.Greet("c1", journal_);
  ASSERT_TRUE(Eventually([&] { return Host("c1").up(); }));
  rig_.clock.Advance(std::chrono::seconds(10));
  v1::SessionRequest heartbeat;
  (*heartbeat.mutable_heartbeat()->mutable_counters())["builds.done"] = 3;
  ASSERT_TRUE(agent.Say(heartbeat));
  ASSERT_TRUE(Eventually([&] { return Host("c1").counters().count("builds.done") == 1; }));
  rig_.clock.Advance(std::chrono::seconds(10));  // 10 s since the heartbeat: still up
  rig_.conductor->Tick();
  EXPECT_TRUE(Host("c1").up());
  rig_.clock.Advance(std::chrono::seconds(6));
  rig_.conductor->Tick();
  EXPECT_FALSE(Host("c1").up());
  ASSERT_TRUE(agent.Say(heartbeat));
  EXPECT_EQ(agent.Why().code(), Code::kFailedPrecondition);
}

TEST_F(SessionsTest, SecondSession_EndsTheFirstAndKeepsTheHostUp) {
  RawAgent first(*agents_), second(*agents_);
  first.Greet("c1", journal_);
  second.Greet("c1", journal_);
  EXPECT_EQ(first.Why().code(), Code::kAborted);
  // The end of the first must not take the host down with it.
  RawAgent third(*agents_);
  third.Greet("c3", Uuid::Random().str());
  EXPECT_TRUE(Host("c1").up());
}

TEST_F(SessionsTest, BadGreetings_AreRefused) {
  const auto why = [this](const v1::SessionRequest& first) {
    RawAgent agent(*agents_);
    agent.Say(first);
    return agent.Why();
  };
  EXPECT_EQ(why(v1::SessionRequest()).code(), Code::kInvalidArgument);
  v1::SessionRequest heartbeat;
  heartbeat.mutable_heartbeat();
  EXPECT_EQ(why(heartbeat).code(), Code::kInvalidArgument);
  EXPECT_EQ(why(RawAgent::HelloOf("../etc", journal_)).code(), Code::kInvalidArgument);
  EXPECT_EQ(why(RawAgent::HelloOf("c1", "no uuid")).code(), Code::kInvalidArgument);
  auto twice = RawAgent::HelloOf("c1", journal_);
  twice.mutable_hello()->mutable_report()->mutable_inventories(0)->set_total(-5);
  EXPECT_EQ(why(twice).code(), Code::kInvalidArgument);
  RawAgent agent(*agents_);
  agent.Greet("c1", journal_);
  agent.Say(RawAgent::HelloOf("c1", journal_));
  EXPECT_EQ(agent.Why().code(), Code::kInvalidArgument);
}

TEST_F(SessionsTest, Build_IsConfirmedReportedAndAcknowledged) {
  rig_.AddCatalog();
  RawAgent agent(*agents_);
  agent.Greet("c1", journal_);
  const auto made = Create(CreateRequest("r"));
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  const v1::Instance instance = made->instances(0);
  ASSERT_EQ(instance.host(), "c1");

  EXPECT_TRUE(Confirm("c1", instance.uuid(), 1).ok());
  EXPECT_TRUE(Confirm("c1", instance.uuid(), 1).ok());
  for (const Status& stale : {Confirm("c1", instance.uuid(), 2), Confirm("c2", instance.uuid(), 1),
                              Confirm("c1", Uuid::Random().str(), 1)}) {
    EXPECT_EQ(stale.code(), Code::kFailedPrecondition) << Describe(stale);
    EXPECT_TRUE(HasReason(stale, reason::kClaimStale)) << Describe(stale);
  }
  EXPECT_EQ(Confirm("c1", "no uuid", 1).code(), Code::kInvalidArgument);

  // One that nobody can read is passed over; the next is applied and acknowledged.
  auto broken = Built(instance, 1);
  broken.mutable_state()->set_task_state("dancing");
  ASSERT_TRUE(agent.Say(broken));
  ASSERT_TRUE(agent.Say(Built(instance, 2)));
  EXPECT_EQ(agent.Hear(v1::SessionResponse::kAck).ack().seq(), 2);
  EXPECT_EQ(rig_.Get(*Uuid::Parse(instance.uuid()))->vm_state, model::VmState::kActive);

  agent.End();
  RawAgent again(*agents_);
  EXPECT_EQ(again.Greet("c1", journal_).last_seq(), 2);
}

TEST_F(SessionsTest, Console_IsAskedOfTheHost) {
  rig_.AddCatalog();
  using Instances = v1::InstanceService::Stub;
  RawAgent agent(*agents_);
  agent.Greet("c1", journal_);
  const auto made = Create(CreateRequest("r"));
  ASSERT_TRUE(made.ok());
  v1::GetConsoleOutputRequest request;
  request.set_instance(made->instances(0).uuid());
  request.set_max_bytes(7);
  v1::GetConsoleOutputResponse response;
  Status answer;
  const auto ask = [&] {
    return std::jthread(
        [&] { answer = Call(*instances_, &Instances::GetConsoleOutput, request, &response); });
  };
  {
    const std::jthread client = ask();
    const auto query = agent.Hear(v1::SessionResponse::kConsole).console();
    EXPECT_EQ(query.instance_uuid(), request.instance());
    EXPECT_EQ(query.max_bytes(), 7);
    v1::SessionRequest reply;
    reply.mutable_console()->set_query_id(query.query_id());
    reply.mutable_console()->set_output(std::string("\xFF\x00 raw", 6));
    reply.mutable_console()->set_truncated(true);
    reply.mutable_console()->add_serial_consoles("127.0.0.1:10000");
    reply.mutable_console()->add_serial_consoles("[::1]:10001");
    ASSERT_TRUE(agent.Say(reply));
  }
  ASSERT_TRUE(answer.ok()) << Describe(answer);
  EXPECT_EQ(response.output(), std::string("\xFF\x00 raw", 6));
  EXPECT_TRUE(response.truncated());
  ASSERT_EQ(response.serial_consoles_size(), 2);
  EXPECT_EQ(response.serial_consoles(1), "[::1]:10001");
  {
    const std::jthread client = ask();
    const auto query = agent.Hear(v1::SessionResponse::kConsole).console();
    v1::SessionRequest reply;
    reply.mutable_console()->set_query_id(query.query_id());
    reply.mutable_console()->set_error_reason("INSTANCE_NOT_FOUND");
    ASSERT_TRUE(agent.Say(reply));
  }
  EXPECT_TRUE(HasReason(answer, reason::kInstanceNotFound));
  {
    const std::jthread client = ask();
    ASSERT_TRUE(agent.Hear(v1::SessionResponse::kConsole).has_console());
    agent.End();  // the question is open
  }
  EXPECT_EQ(answer.code(), Code::kUnavailable);
  EXPECT_TRUE(HasReason(answer, reason::kHostDown));
  EXPECT_TRUE(Eventually([&] {
    return HasReason(Call(*instances_, &Instances::GetConsoleOutput, request, &response),
                     reason::kHostDown);
  }));
  request.set_max_bytes(200'000);
  EXPECT_EQ(Call(*instances_, &Instances::GetConsoleOutput, request, &response).code(),
            Code::kInvalidArgument);
}

// ---- the agent's own client at the other end

class View final : public agent::core::HostView {
 public:
  Expected<model::HostReport> Report() override { return core::Rig::Report("c1"); }
  Expected<std::vector<model::HostInstance>> Instances() override {
    return std::vector<model::HostInstance>{};
  }
  std::map<std::string, std::int64_t> Counters() const override { return {{"n", 1}}; }
  Expected<agent::core::ConsoleTail> Console(const Uuid&, std::size_t) override {
    return agent::core::ConsoleTail{"login:", false, {"127.0.0.1:10002"}};
  }
  void RemoveStale(const std::vector<agent::core::StaleInstance>& stale) override {
    stale_seen = static_cast<int>(stale.size());
  }
  std::atomic<int> stale_seen{0};
};

class ClientTest : public SessionsTest {
 protected:
  ClientTest()
      : client_({.host = "c1",
                 .agent_version = "1",
                 .features = {},
                 .report_pause = std::chrono::milliseconds(5),
                 .backoff_least = std::chrono::milliseconds(5),
                 .backoff_most = std::chrono::milliseconds(50)},
                *agent_side::MakeGrpcTransport({.target = Socket()}), SystemClock()) {
    rig_.AddCatalog();
    client_.Start(journal_file_, view_);
    EXPECT_TRUE(Eventually([this] { return client_.Connected(); }));
  }
  ~ClientTest() override { client_.Stop(); }

  void SayBuilt(const v1::Instance& instance) {
    agent::core::Journal::Completion completion;
    model::StateReport report;
    report.instance_uuid = *Uuid::Parse(instance.uuid());
    report.generation = instance.generation();
    report.request_id = instance.request_id();
    report.operation = "build";
    report.outcome = model::Outcome::kDone;
    report.vm_state = model::VmState::kActive;
    report.power_state = model::PowerState::kRunning;
    completion.report = report;
    ASSERT_TRUE(journal_file_.Complete(completion).ok());
    client_.ReportsWaiting();
  }
  bool Active(const v1::Instance& instance) {
    return rig_.Get(*Uuid::Parse(instance.uuid()))->vm_state == model::VmState::kActive;
  }
  bool AllAcknowledged() { return journal_file_.PendingReports(0, 1)->empty(); }

  kilonova::testing::FakeJournal journal_file_;
  View view_;
  agent_side::SessionClient client_;
};

TEST_F(ClientTest, Build_GoesThroughToTheJournal) {
  const auto made = Create(CreateRequest("r", 3));
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  for (const v1::Instance& instance : made->instances()) {
    const Uuid uuid = *Uuid::Parse(instance.uuid());
    EXPECT_TRUE(client_.ConfirmStart(uuid, 1).ok());
    EXPECT_TRUE(HasReason(client_.ConfirmStart(uuid, 7), reason::kClaimStale));
    SayBuilt(instance);
  }
  EXPECT_TRUE(Eventually([&] { return Active(made->instances(2)) && AllAcknowledged(); }));
  const model::Flavor flavor = rig_.conductor->Flavors().flavors.front();
  EXPECT_TRUE(client_.Template("1", flavor.ContentHash(), std::chrono::seconds(60)).ok());

  v1::GetConsoleOutputRequest request;
  request.set_instance(made->instances(0).uuid());
  v1::GetConsoleOutputResponse response;
  ASSERT_TRUE(
      Call(*instances_, &v1::InstanceService::Stub::GetConsoleOutput, request, &response).ok());
  EXPECT_EQ(response.output(), "login:");
  ASSERT_EQ(response.serial_consoles_size(), 1);
  EXPECT_EQ(response.serial_consoles(0), "127.0.0.1:10002");
}

TEST_F(ClientTest, SchedulerAway_ReportsWaitAndGoOutLater) {
  const auto made = Create(CreateRequest("r", 2));
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  const Uuid uuid = *Uuid::Parse(made->instances(0).uuid());
  ASSERT_TRUE(client_.ConfirmStart(uuid, 1).ok());
  ASSERT_TRUE(client_.ConfirmStart(*Uuid::Parse(made->instances(1).uuid()), 1).ok());
  StopServer();
  EXPECT_TRUE(Eventually([this] { return !client_.Connected(); }));
  EXPECT_EQ(client_.ConfirmStart(uuid, 1).code(), Code::kUnavailable);
  for (const v1::Instance& instance : made->instances()) SayBuilt(instance);
  StartServer();
  EXPECT_TRUE(Eventually([&] {
    return Active(made->instances(0)) && Active(made->instances(1)) && AllAcknowledged();
  }));
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
