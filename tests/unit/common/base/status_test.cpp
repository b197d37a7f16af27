// SPDX-License-Identifier: Apache-2.0
#include "common/base/status.h"

#include <gtest/gtest.h>

namespace kilonova {
namespace {

Expected<int> Half(int value) {
  if (value % 2 != 0) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "odd", {{"field", "value"}});
  }
  return value / 2;
}

Expected<int> Quarter(int value) {
  ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

TEST(Status, Error_CarriesReasonMessageAndDetails) {
  const Status status = Half(3).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "INVALID_ARGUMENT");
  EXPECT_EQ(Message(status), "odd");
  EXPECT_EQ(DetailsOf(status), (Details{{"field", "value"}}));
  EXPECT_EQ(Describe(status), "INVALID_ARGUMENT INVALID_ARGUMENT odd field=value");
}

TEST(Status, Macros_PassErrorsOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Message(Quarter(6).status()), "odd");
}

TEST(Status, PrefixedAndWithDetail_KeepTheRest) {
  const Status status =
      WithDetail(Prefixed(Half(1).status(), "flavor m1"), kOperatorDetail, "path /x");
  EXPECT_EQ(Message(status), "flavor m1: odd");
  EXPECT_TRUE(HasReason(status, reason::kInvalidArgument));
  EXPECT_EQ(DetailsOf(status).size(), 2U);
}

TEST(Status, ForeignStatus_IsInternal) {
  EXPECT_EQ(ReasonOf(absl::UnknownError("x")), "INTERNAL");
  EXPECT_EQ(ReasonOf(OkStatus()), "");
}

}  // namespace
}  // namespace kilonova
