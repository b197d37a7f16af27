// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/status.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

namespace kilonova::grpc {
namespace {

google::rpc::Status Rich(const ::grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  return rich;
}

TEST(Status, Ok_StaysOk) {
  EXPECT_TRUE(ToGrpc(OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(::grpc::Status::OK).ok());
}

TEST(Status, RoundTrip_KeepsCodeReasonMessageAndDetails) {
  const Status before = Error(Code::kInvalidArgument, reason::kFlavorInvalid, "vcpus must be 1",
                              {{"field", "vcpus"}, {"have", "0"}});
  const Status after = FromGrpc(ToGrpc(before));
  EXPECT_EQ(after.code(), Code::kInvalidArgument);
  EXPECT_EQ(ReasonOf(after), "FLAVOR_INVALID");
  EXPECT_EQ(Message(after), "vcpus must be 1");
  EXPECT_EQ(DetailsOf(after), DetailsOf(before));
}

TEST(Status, EveryCode_RoundTrips) {
  for (int code = 1; code <= 16; ++code) {
    const auto absl_code = static_cast<Code>(code);
    EXPECT_EQ(FromGrpc(ToGrpc(Error(absl_code, reason::kInternal, "x"))).code(), absl_code);
  }
}

TEST(Status, Wire_IsGoogleRpc) {
  const auto rich = Rich(
      ToGrpc(Error(Code::kInvalidArgument, reason::kImageInvalid, "bad url", {{"field", "url"}})));
  EXPECT_EQ(rich.code(), 3);
  EXPECT_EQ(rich.message(), "bad url");
  ASSERT_EQ(rich.details_size(), 2);
  EXPECT_EQ(rich.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(rich.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "IMAGE_INVALID");
  EXPECT_EQ(info.domain(), "kilonova");
  google::rpc::BadRequest bad;
  ASSERT_TRUE(rich.details(1).UnpackTo(&bad));
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "url");
}

TEST(Status, OperatorDetail_NeverLeaves) {
  const Status secret = Error(Code::kInternal, reason::kInternal, "failed",
                              {{kOperatorDetail, "/var/lib/secret/path"}, {"host", "c1"}});
  const ::grpc::Status wire = ToGrpc(secret);
  EXPECT_EQ(wire.error_details().find("secret"), std::string::npos);
  EXPECT_EQ(wire.error_message().find("secret"), std::string::npos);
  EXPECT_EQ(DetailsOf(FromGrpc(wire)), (Details{{"host", "c1"}}));
}

TEST(Status, HugeAndWrongText_FitsIntoTrailers) {
  const std::string huge(100'000, '\xFF');
  const ::grpc::Status wire = ToGrpc(
      Error(Code::kInternal, reason::kInternal, huge, {{"a", huge}, {"b", huge}, {"field", huge}}));
  // Percent-encoding may triple the message; base64 adds a third to the details.
  EXPECT_LT(wire.error_message().size() * 3 + wire.error_details().size() * 4 / 3, 8000u);
  EXPECT_EQ(FromGrpc(wire).code(), Code::kInternal);
}

TEST(Status, PayloadFreeStatus_IsInternal) {
  const Status after = FromGrpc(ToGrpc(absl::UnavailableError("x")));
  EXPECT_EQ(after.code(), Code::kUnavailable);
  EXPECT_EQ(ReasonOf(after), "INTERNAL");
}

TEST(Status, GrpcsOwnErrors_GetAReasonAndKeepTheirTextForTheOperator) {
  const Status down = FromGrpc({::grpc::StatusCode::UNAVAILABLE, "connect to 10.1.2.3 refused"});
  EXPECT_EQ(ReasonOf(down), "UNAVAILABLE");
  EXPECT_EQ(Message(down).find("10.1.2.3"), std::string::npos);
  EXPECT_EQ(DetailsOf(down)[std::string(kOperatorDetail)], "connect to 10.1.2.3 refused");
  EXPECT_EQ(ReasonOf(FromGrpc({::grpc::StatusCode::DEADLINE_EXCEEDED, ""})), "DEADLINE_EXCEEDED");
}

TEST(Status, ForeignDetails_AreNotTakenForOurs) {
  google::rpc::ErrorInfo info;
  info.set_reason("CLAIM_STALE");
  info.set_domain("other.example");
  google::rpc::Status rich;
  rich.add_details()->PackFrom(info);
  const Status status =
      FromGrpc({::grpc::StatusCode::FAILED_PRECONDITION, "no", rich.SerializeAsString()});
  EXPECT_FALSE(HasReason(status, reason::kClaimStale));
  EXPECT_FALSE(FromGrpc({::grpc::StatusCode::INTERNAL, "no", "not a message \xFF"}).ok());
}

}  // namespace
}  // namespace kilonova::grpc
