// SPDX-License-Identifier: Apache-2.0
#include "cli/wait.h"

#include <gmock/gmock.h>
#include <kilonova/v1/instance.pb.h>

namespace kilonova::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;

v1::WatchInstancesResponse Seen(const std::string& uuid, v1::VmState state,
                                const std::string& task) {
  v1::WatchInstancesResponse response;
  response.mutable_instance()->set_uuid(uuid);
  response.mutable_instance()->set_vm_state(state);
  response.mutable_instance()->set_task_state(task);
  return response;
}
v1::WatchInstancesResponse Bookmark() {
  v1::WatchInstancesResponse response;
  response.set_bookmark(true);
  return response;
}

TEST(WaitForDeletion, EndsWhenTheInstanceIsGone) {
  WaitProgress wait({"a"}, WaitFor::kDeleted);
  EXPECT_TRUE(wait.Take(Seen("a", v1::VM_STATE_ACTIVE, "deleting")));
  EXPECT_TRUE(wait.Take(Bookmark()));
  EXPECT_FALSE(wait.Take(Seen("a", v1::VM_STATE_DELETED, "")));
  EXPECT_FALSE(wait.failed());
}

TEST(WaitForDeletion, EndsBadlyWhenItFailed) {
  WaitProgress wait({"a"}, WaitFor::kDeleted);
  EXPECT_TRUE(wait.Take(Seen("a", v1::VM_STATE_ACTIVE, "deleting")));
  auto error = Seen("a", v1::VM_STATE_ERROR, "");
  error.mutable_instance()->mutable_fault()->set_reason("HYPERVISOR_UNAVAILABLE");
  error.mutable_instance()->mutable_fault()->set_message("no libvirt");
  EXPECT_FALSE(wait.Take(error));
  EXPECT_TRUE(wait.failed());
  EXPECT_THAT(wait.lines(), Contains("kilonova: HYPERVISOR_UNAVAILABLE: no libvirt"));
}

TEST(WaitForDeletion, OfAnInstanceInError_IsNotOverBeforeItsTaskIs) {
  WaitProgress wait({"a"}, WaitFor::kDeleted);
  EXPECT_TRUE(wait.Take(Seen("a", v1::VM_STATE_ERROR, "deleting")));
  EXPECT_FALSE(wait.Take(Seen("a", v1::VM_STATE_DELETED, "")));
  EXPECT_FALSE(wait.failed());
}

TEST(WaitForDeletion, OfWhatIsGoneAlready_IsOverAtOnce) {
  WaitProgress wait({"a"}, WaitFor::kDeleted);
  EXPECT_FALSE(wait.Take(Bookmark()));
  EXPECT_FALSE(wait.failed());
}

TEST(WaitForBuild, EndsWithTheLastOne_AndTellsOfErrors) {
  WaitProgress wait({"a", "b"}, WaitFor::kSettled);
  EXPECT_TRUE(wait.Take(Seen("a", v1::VM_STATE_BUILDING, "scheduling")));
  EXPECT_TRUE(wait.Take(Seen("a", v1::VM_STATE_BUILDING, "")));
  EXPECT_TRUE(wait.Take(Seen("a", v1::VM_STATE_ACTIVE, "")));
  EXPECT_TRUE(wait.Take(Bookmark()));
  EXPECT_FALSE(wait.failed());
  EXPECT_FALSE(wait.Take(Seen("b", v1::VM_STATE_ERROR, "")));
  EXPECT_TRUE(wait.failed());
  EXPECT_THAT(wait.lines(), Contains(HasSubstr("ERROR")));
}

}  // namespace
}  // namespace kilonova::cli
