// SPDX-License-Identifier: Apache-2.0
// The scheduler dies at each named point; what it left is opened again. The child is this program,
// run anew, so that its failpoints are read from its environment.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "common/base/failpoint.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

// In the child: the same work whichever point it dies at.
TEST(CrashChild, DISABLED_Run) {
  const char* path = std::getenv("KILONOVA_TEST_CHILD_DB");
  ASSERT_NE(path, nullptr) << "only the parent test starts this";
  Rig rig(path);
  rig.HostUp("a");
  rig.HostUp("b");
  if (rig.conductor->Flavors().flavors.empty()) rig.AddCatalog();
  const InstancePtr r = rig.Create("crash");
  rig.Deliver();
  ASSERT_TRUE(rig.conductor->ConfirmStart(r->host, r->uuid(), r->generation).ok());
  rig.Done(r->uuid(), "build");
  std::ofstream(std::string(path) + ".answered") << r->uuid().str();
}

int RunChild(const std::string& db, const std::string& failpoints) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("KILONOVA_TEST_CHILD_DB", db.c_str(), 1);
    setenv("KILONOVA_FAILPOINTS", failpoints.c_str(), 1);
    if (freopen("/dev/null", "w", stdout) == nullptr) _exit(3);
    execl("/proc/self/exe", "crash", "--gtest_filter=CrashChild.DISABLED_Run",
          "--gtest_also_run_disabled_tests", nullptr);
    _exit(3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

class Crash : public testing::TestWithParam<const char*> {};

TEST_P(Crash, LeavesOneWholeRequestOrNone) {
  if (!kFailpointsCompiledIn) GTEST_SKIP() << "built without failpoints";
  TempDir dir;
  const std::string db = dir.File("state.db");
  {
    // What is durable before, so that the point is met by the request, not by the catalogue.
    Rig rig(db);
    rig.HostUp("a");
    rig.HostUp("b");
    rig.AddCatalog();
  }
  const int status = RunChild(db, GetParam());
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child did not die at " << GetParam();
  Rig rig(db);
  rig.CheckInvariants();
  rig.HostUp("a");
  rig.HostUp("b");
  // The client, unanswered, sends the same again: one request, one instance, one message at least.
  const auto known = LoadAll(*rig.store);
  ASSERT_TRUE(known.ok());
  EXPECT_LE(known->requests.size(), 1U);
  EXPECT_EQ(known->instances.size(), known->requests.size());
  const InstancePtr r = rig.Create("crash");
  ASSERT_NE(r, nullptr);
  EXPECT_EQ(rig.conductor->ListInstances({}, {})->items.size(), 1U);
  if (!known->instances.empty()) {
    EXPECT_EQ(r->uuid(), known->instances[0]->uuid());
  }
  rig.Deliver();
  EXPECT_TRUE(rig.conductor->ConfirmStart(r->host, r->uuid(), r->generation).ok());
  // The agent's journal is not the child's: its numbers begin anew.
  if (r->vm_state == model::VmState::kBuilding) rig.Done(r->uuid(), "build");
  EXPECT_EQ(rig.Get(r->uuid())->vm_state, model::VmState::kActive);
  rig.CheckInvariants();
}
INSTANTIATE_TEST_SUITE_P(
    Points, Crash,
    testing::Values("scheduler.claim.before=kill", "scheduler.claim.after=kill",
                    "scheduler.commit.before=kill", "scheduler.commit.after=kill",
                    "scheduler.reply.before=kill", "scheduler.confirm_start.before=kill",
                    "scheduler.confirm_start.after=kill", "scheduler.outbox.before=kill",
                    "scheduler.outbox.after=kill", "scheduler.report.before=kill",
                    "scheduler.report.after=kill"));

TEST(CrashRun, WithoutAFailpoint_EndsWell) {
  TempDir dir;
  const std::string db = dir.File("state.db");
  EXPECT_EQ(RunChild(db, ""), 0);
  std::ifstream answered(db + ".answered");
  std::string uuid;
  answered >> uuid;
  Rig rig(db);
  const auto r = rig.conductor->GetInstance(uuid);
  ASSERT_TRUE(r.ok());
  EXPECT_EQ((*r)->started_generation, 1);
}

}  // namespace
}  // namespace kilonova::scheduler::core
