// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/session_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/fake_journal.h"
#include "tests/unit/agent/adapters/scheduler/fake_scheduler.h"

namespace kilonova::agent::adapters::scheduler {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

class FakeView final : public core::HostView {
 public:
  Expected<model::HostReport> Report() override {
    ++reports;
    while (hang) std::this_thread::yield();
    if (fail) return Error(Code::kUnavailable, reason::kHypervisorUnavailable, "no libvirt");
    model::HostReport report;
    report.host = "c1";
    report.running_instances = running;
    return report;
  }
  Expected<std::vector<model::HostInstance>> Instances() override {
    return std::vector<model::HostInstance>{};
  }
  std::map<std::string, std::int64_t> Counters() const override { return {{"n", 1}}; }
  Expected<core::ConsoleTail> Console(const Uuid& instance, std::size_t max_bytes) override {
    if (instance != known) {
      return Error(Code::kNotFound, reason::kInstanceNotFound, "not here");
    }
    return core::ConsoleTail{std::string(std::min<std::size_t>(max_bytes, 5), 'x'), true};
  }
  void RemoveStale(const std::vector<core::StaleInstance>& list) override {
    stale = static_cast<int>(list.size());
  }

  std::atomic<int> reports{0}, running{0}, stale{0};
  std::atomic<bool> fail{false}, hang{false};
  const Uuid known = Uuid::Random();
};

class SessionClientTest : public ::testing::Test {
 protected:
  SessionClientTest()
      : client_({.host = "c1",
                 .agent_version = "1",
                 .features = {},
                 .report_pause = 1ms,
                 .backoff_least = 1ms,
                 .backoff_most = 5ms,
                 .handshake = 5s},
                scheduler_.MakeTransport(), SystemClock()) {
    scheduler_.WelcomeWith(Welcome{.lease = 90ms, .session_id = "s", .stale = {}, .last_seq = 0});
  }
  ~SessionClientTest() override { client_.Stop(); }

  void Start() {
    client_.Start(journal_, view_);
    ASSERT_TRUE(Eventually([this] { return client_.Connected(); }));
  }
  void Report() {
    core::Journal::Completion completion;
    completion.report = model::StateReport{.instance_uuid = Uuid::Random()};
    ASSERT_TRUE(journal_.Complete(completion).ok());
    client_.ReportsWaiting();
  }
  std::size_t Reports() const { return scheduler_.Heard<model::StateReport>().size(); }

  FakeScheduler scheduler_;
  testing::FakeJournal journal_;
  FakeView view_;
  SessionClient client_;
};

TEST_F(SessionClientTest, Hello_SaysWhoAndWhat) {
  Start();
  const auto hello = scheduler_.Heard<Hello>();
  ASSERT_EQ(hello.size(), 1u);
  EXPECT_EQ(hello[0].host, "c1");
  EXPECT_EQ(hello[0].journal_id, journal_.JournalId());
  EXPECT_EQ(hello[0].flavors_hash, "");
}

TEST_F(SessionClientTest, Quiet_Heartbeats) {
  Start();
  EXPECT_TRUE(Eventually([this] { return scheduler_.Heard<Heartbeat>().size() >= 3; }));
  EXPECT_EQ(scheduler_.Heard<Heartbeat>()[0].counters.at("n"), 1);
}

TEST_F(SessionClientTest, Reports_GoOutInOrderAndAcksReachTheJournal) {
  Report();
  Report();
  Start();
  Report();
  ASSERT_TRUE(Eventually([this] { return Reports() == 3; }));
  const auto heard = scheduler_.Heard<model::StateReport>();
  for (std::size_t i = 0; i < heard.size(); ++i) {
    EXPECT_EQ(heard[i].seq, static_cast<std::int64_t>(i) + 1);
  }
  scheduler_.Say(StateAck{2});
  EXPECT_TRUE(Eventually([this] { return journal_.PendingReports(0, 10)->size() == 1; }));
}

TEST_F(SessionClientTest, LostStream_ReconnectsAndSendsUnacknowledgedReportsAgain) {
  Start();
  Report();
  Report();
  ASSERT_TRUE(Eventually([this] { return Reports() == 2; }));
  scheduler_.WelcomeWith(Welcome{.lease = 90ms, .session_id = "s2", .stale = {}, .last_seq = 1});
  scheduler_.BreakStream();
  ASSERT_TRUE(Eventually([this] { return Reports() == 3; }));
  EXPECT_EQ(scheduler_.Heard<model::StateReport>()[2].seq, 2);
  EXPECT_EQ(journal_.PendingReports(0, 10)->size(), 1u);  // the first was on disk over there
}

TEST_F(SessionClientTest, UnreachableScheduler_IsTriedUntilItIsThere) {
  scheduler_.SetUnreachable(true);
  client_.Start(journal_, view_);
  ASSERT_TRUE(Eventually([this] { return scheduler_.opened() >= 3; }));
  EXPECT_FALSE(client_.Connected());
  scheduler_.SetUnreachable(false);
  EXPECT_TRUE(Eventually([this] { return client_.Connected(); }));
}

TEST_F(SessionClientTest, HostThatCannotBeRead_SaysNothingRatherThanNothingThere) {
  view_.fail = true;
  client_.Start(journal_, view_);
  ASSERT_TRUE(Eventually([this] { return view_.reports >= 3; }));
  EXPECT_EQ(scheduler_.opened(), 0);
  view_.fail = false;
  EXPECT_TRUE(Eventually([this] { return client_.Connected(); }));
}

TEST_F(SessionClientTest, HostChanged_IsReportedAtOnce) {
  Start();
  view_.running = 7;
  client_.HostChanged();
  ASSERT_TRUE(Eventually([this] { return !scheduler_.Heard<HostUpdate>().empty(); }));
  EXPECT_EQ(scheduler_.Heard<HostUpdate>().back().report.running_instances, 7);
}

TEST_F(SessionClientTest, HangingHypervisor_DoesNotStopHeartbeats) {
  Start();
  view_.hang = true;
  const int before = view_.reports;
  client_.HostChanged();
  ASSERT_TRUE(Eventually([&] { return view_.reports > before; }));
  const std::size_t beats = scheduler_.Heard<Heartbeat>().size();
  EXPECT_TRUE(Eventually([&] { return scheduler_.Heard<Heartbeat>().size() >= beats + 3; }));
  view_.hang = false;
}

TEST_F(SessionClientTest, FlavorSync_FillsTemplatesAndIsConfirmed) {
  Start();
  model::Flavor flavor;
  flavor.flavorid = "1";
  flavor.vcpus = 3;
  scheduler_.Say(FlavorSync{"hash", {flavor}});
  ASSERT_TRUE(Eventually([this] { return !scheduler_.Heard<FlavorsApplied>().empty(); }));
  EXPECT_EQ(scheduler_.Heard<FlavorsApplied>()[0].hash, "hash");
  EXPECT_EQ(client_.Template("1", flavor.ContentHash(), 0ms)->vcpus, 3);
  scheduler_.BreakStream();
  ASSERT_TRUE(Eventually([this] { return scheduler_.Heard<Hello>().size() == 2; }));
  EXPECT_EQ(scheduler_.Heard<Hello>()[1].flavors_hash, "hash");
}

TEST_F(SessionClientTest, BrokenSession_JudgesNoFlavorItDoesNotKnow) {
  Start();
  model::Flavor flavor;
  flavor.flavorid = "1";
  scheduler_.Say(FlavorSync{"hash", {flavor}});
  ASSERT_TRUE(Eventually([this] { return !scheduler_.Heard<FlavorsApplied>().empty(); }));
  EXPECT_TRUE(client_.Template("1", "newer", 0ms).ok());  // what differs can be said
  EXPECT_TRUE(HasReason(client_.Template("2", "new", 0ms).status(), reason::kFlavorNotFound));
  scheduler_.SetUnreachable(true);
  ASSERT_TRUE(Eventually([this] { return !client_.Connected(); }));
  EXPECT_TRUE(HasReason(client_.Template("1", "newer", 0ms).status(), reason::kUnavailable));
  EXPECT_TRUE(HasReason(client_.Template("2", "new", 0ms).status(), reason::kUnavailable));
  EXPECT_TRUE(client_.Template("1", flavor.ContentHash(), 0ms).ok());
}

TEST_F(SessionClientTest, ConsoleQuery_IsAnswered) {
  Start();
  scheduler_.Say(ConsoleQuery{.query_id = 5, .instance = view_.known, .max_bytes = 0});
  scheduler_.Say(ConsoleQuery{.query_id = 6, .instance = Uuid::Random(), .max_bytes = 3});
  ASSERT_TRUE(Eventually([this] { return scheduler_.Heard<ConsoleAnswer>().size() == 2; }));
  const auto answers = scheduler_.Heard<ConsoleAnswer>();
  EXPECT_EQ(answers[0].query_id, 5);
  EXPECT_EQ(answers[0].tail->output, "xxxxx");
  EXPECT_EQ(answers[1].query_id, 6);
  EXPECT_TRUE(HasReason(answers[1].tail.status(), reason::kInstanceNotFound));
}

TEST_F(SessionClientTest, Stale_IsHandedOn) {
  scheduler_.WelcomeWith(
      Welcome{.lease = 90ms, .session_id = "s", .stale = {{Uuid::Random(), 2}}, .last_seq = 0});
  Start();
  EXPECT_TRUE(Eventually([this] { return view_.stale == 1; }));
}

TEST_F(SessionClientTest, FirstWordIsNotWelcome_EndsTheSession) {
  scheduler_.WelcomeWith(std::nullopt);
  client_.Start(journal_, view_);
  ASSERT_TRUE(Eventually([this] { return scheduler_.opened() == 1; }));
  scheduler_.Say(StateAck{1});
  EXPECT_TRUE(Eventually([this] { return scheduler_.opened() >= 2; }));
  EXPECT_FALSE(client_.Connected());
}

TEST_F(SessionClientTest, BrokenJournal_KeepsTheSessionUp) {
  Start();
  Report();
  ASSERT_TRUE(Eventually([this] { return Reports() == 1; }));
  journal_.Break();
  scheduler_.Say(StateAck{1});
  const std::size_t beats = scheduler_.Heard<Heartbeat>().size();
  EXPECT_TRUE(Eventually([&] { return scheduler_.Heard<Heartbeat>().size() >= beats + 2; }));
  EXPECT_EQ(scheduler_.opened(), 1);
}

TEST_F(SessionClientTest, Stop_EndsAtOnceWhateverHappens) {
  scheduler_.WelcomeWith(std::nullopt);  // waits for a Welcome that never comes
  client_.Start(journal_, view_);
  ASSERT_TRUE(Eventually([this] { return scheduler_.opened() == 1; }));
  client_.Stop();
  client_.Stop();
}

TEST_F(SessionClientTest, ConfirmStart_GivesOneOfThreeAnswers) {
  const Uuid instance = Uuid::Random();
  EXPECT_TRUE(client_.ConfirmStart(instance, 1).ok());
  scheduler_.confirm = Error(Code::kFailedPrecondition, reason::kClaimStale, "stale");
  EXPECT_TRUE(HasReason(client_.ConfirmStart(instance, 1), reason::kClaimStale));
  for (const Code code : {Code::kUnavailable, Code::kDeadlineExceeded, Code::kInternal,
                          Code::kCancelled, Code::kPermissionDenied, Code::kUnknown}) {
    scheduler_.confirm = Error(code, reason::kInternal, "?");
    EXPECT_EQ(client_.ConfirmStart(instance, 1).code(), Code::kUnavailable);
  }
}

TEST_F(SessionClientTest, Race_EverythingAtOnce) {
  Start();
  std::atomic<int> said{0};
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        Report();
        ++said;
      }
    });
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) client_.HostChanged();
    });
    threads.emplace_back([&] {
      for (int i = 0; i < 30; ++i) {
        scheduler_.Say(ConsoleQuery{.query_id = i, .instance = view_.known, .max_bytes = 1});
        scheduler_.Say(FlavorSync{std::to_string(i), {}});
        scheduler_.Say(StateAck{i});
        if (i % 10 == 9) scheduler_.BreakStream();
        static_cast<void>(client_.Template("1", "x", 0ms));
        static_cast<void>(client_.Connected());
      }
    });
  }
  EXPECT_EQ(said, 200);
  EXPECT_TRUE(Eventually([this] {
    const auto heard = scheduler_.Heard<model::StateReport>();
    return !heard.empty() && heard.back().seq == 200;
  }));
}

}  // namespace
}  // namespace kilonova::agent::adapters::scheduler
