// SPDX-License-Identifier: Apache-2.0
// Messages that the broker confirmed and that were lost all the same.
#include "common/model/methods.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using model::HostInstance;
using model::PowerState;

class Resend : public ConductorTest {
 protected:
  void SetUp() override {
    rig_.HostUp("a");
    rig_.AddCatalog();
  }
  // The host's report a minute later, and what goes out because of it.
  std::vector<OutboxRow> Report(const std::vector<HostInstance>& instances = {}) {
    for (int i = 0; i < 6; ++i) {
      rig_.clock.Advance(std::chrono::seconds(10));
      EXPECT_TRUE(rig_.conductor->HostHeartbeat(rig_.sessions["a"], {}).ok());
    }
    EXPECT_TRUE(
        rig_.conductor->HostReported(rig_.sessions["a"], {Rig::Report("a"), instances, {}}).ok());
    return rig_.Deliver();
  }
  std::vector<OutboxRow> NewJournal(const std::vector<HostInstance>& instances = {}) {
    rig_.journals["a"] = Uuid::Random().str();
    rig_.seqs["a"] = 0;
    rig_.HostUp("a", instances);
    return rig_.Deliver();
  }
};

TEST_F(Resend, ALostBuild_IsSentAgainToANewJournal) {
  auto request = Rig::Request("one");
  request.instance.admin_password = "secret";
  const auto made = rig_.conductor->CreateInstances(request);
  ASSERT_TRUE(made.ok());
  const InstancePtr r = made->front();
  const auto first = rig_.Deliver();
  ASSERT_EQ(first.size(), 1U);
  const auto again = NewJournal();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].method, model::kBuildMethod);
  EXPECT_EQ(again[0].host, "a");
  EXPECT_EQ(again[0].instance, r->uuid());
  EXPECT_EQ(again[0].generation, r->generation);
  EXPECT_NE(again[0].unique_id, first[0].unique_id);
  EXPECT_NE(again[0].body.find("pw=secret"), std::string::npos);
  EXPECT_EQ(rig_.Get(r->uuid())->generation, r->generation);
  rig_.CheckInvariants();
}

TEST_F(Resend, ABuildThatIsThereOrOnItsWay_IsNotSentAgain) {
  const InstancePtr r = rig_.Create("one");
  // On its way: still in the outbox.
  rig_.journals["a"] = Uuid::Random().str();
  rig_.HostUp("a");
  EXPECT_EQ(rig_.Deliver().size(), 1U);
  const HostInstance building{r->uuid(), 1, PowerState::kNoState, true};
  EXPECT_TRUE(NewJournal({building}).empty());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Report({building}).empty());
  // It runs, and the report that says so is on its way.
  ASSERT_TRUE(rig_.conductor->ConfirmStart("a", r->uuid(), 1).ok());
  const HostInstance running{r->uuid(), 1, PowerState::kRunning, false};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Report({running}).empty());
  rig_.Done(r->uuid(), "build");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Report({running}).empty());
  EXPECT_TRUE(NewJournal({running}).empty());
}

TEST_F(Resend, ALostBuild_IsSentAgainToTheSameJournalAfterAWhile) {
  rig_.Create("one");
  ASSERT_EQ(rig_.Deliver().size(), 1U);
  rig_.HostUp("a");
  // What the host has to say comes after its Hello.
  EXPECT_TRUE(rig_.Deliver().empty());
  EXPECT_EQ(Report().size(), 1U);
  // Ever more rarely.
  EXPECT_TRUE(Report().empty());
  EXPECT_EQ(Report().size(), 1U);
  std::size_t sent = 0;
  for (int i = 0; i < 12; ++i) sent += Report().size();
  EXPECT_EQ(sent, 2U);
}

TEST_F(Resend, ABuildThatFailsMeanwhile_IsNotSentAgain) {
  const InstancePtr r = rig_.Create("one");
  rig_.Deliver();
  EXPECT_TRUE(Report().empty());
  rig_.Fail(r->uuid(), "build", "IMAGE_INVALID", false);
  EXPECT_TRUE(Report().empty());
  EXPECT_TRUE(Report().empty());
}

TEST_F(Resend, ALostTerminate_IsSentAgain) {
  const InstancePtr r = rig_.Active("one");
  const std::vector<HostInstance> there{{r->uuid(), 1, PowerState::kRunning, false}};
  ASSERT_TRUE(rig_.conductor->DeleteInstance(r->uuid().str(), "").ok());
  const auto first = rig_.Deliver();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(Report(there).empty());
  const auto again = Report(there);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].method, "terminate_instance");
  EXPECT_NE(again[0].unique_id, first[0].unique_id);
  EXPECT_EQ(NewJournal(there).size(), 1U);
  rig_.Done(r->uuid(), "terminate", PowerState::kNoState);
  EXPECT_TRUE(rig_.Get(r->uuid())->deleted());
  EXPECT_TRUE(NewJournal().empty());
}

TEST_F(Resend, AReboot_IsNotSentAgainWhileItsHostIsAtIt) {
  const InstancePtr r = rig_.Active("one");
  const std::vector<HostInstance> there{{r->uuid(), 1, PowerState::kRunning, false}};
  ASSERT_TRUE(rig_.conductor->RebootInstance(r->uuid().str(), model::RebootType::kHard, "").ok());
  ASSERT_EQ(rig_.Deliver().size(), 1U);
  auto report = rig_.ReportOf(*rig_.Get(r->uuid()), "reboot", model::Outcome::kProgress,
                              PowerState::kRunning);
  report.task_state = model::TaskState::kRebootStartedHard;
  ASSERT_TRUE(rig_.Send("a", report).ok());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Report(there).empty());
  // The journal that knew of it is gone: nobody else will end it.
  EXPECT_TRUE(NewJournal(there).empty());
  const auto again = Report(there);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].method, "reboot_instance");
}

}  // namespace
}  // namespace kilonova::scheduler::core
