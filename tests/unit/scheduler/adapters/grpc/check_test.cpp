// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/check.h"

#include <gtest/gtest.h>
#include <kilonova/v1/instance.pb.h>

namespace kilonova::scheduler::adapters::grpc {
namespace {

v1::CreateInstancesRequest Good() {
  v1::CreateInstancesRequest request;
  request.set_request_id("r-1");
  request.mutable_template_()->set_flavor("m1.tiny");
  request.mutable_template_()->set_image("cirros");
  return request;
}

// The field a changed request is refused for; "" when it is not.
template <class Change>
std::string RefusedFor(Change change) {
  v1::CreateInstancesRequest request = Good();
  change(&request);
  const Status status = CheckCreate(request);
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  return DetailsOf(status)["field"];
}

TEST(CheckCreate, Good_Passes) {
  EXPECT_EQ(RefusedFor([](auto*) {}), "");
  EXPECT_EQ(RefusedFor([](auto* r) { r->set_count(1000); }), "");
}

TEST(CheckCreate, RequestId_MustBeThereAndPlain) {
  EXPECT_EQ(RefusedFor([](auto* r) { r->clear_request_id(); }), "request_id");
  EXPECT_EQ(RefusedFor([](auto* r) { r->set_request_id(std::string(65, 'a')); }), "request_id");
  EXPECT_EQ(RefusedFor([](auto* r) { r->set_request_id("a b"); }), "request_id");
  EXPECT_EQ(RefusedFor([](auto* r) { r->set_request_id(std::string(64, 'a')); }), "");
}

TEST(CheckCreate, Sizes_AreBounded) {
  EXPECT_EQ(RefusedFor([](auto* r) { r->clear_template_(); }), "template");
  EXPECT_EQ(RefusedFor([](auto* r) { r->set_count(-1); }), "count");
  EXPECT_EQ(RefusedFor([](auto* r) { r->set_count(1001); }), "count");
  EXPECT_EQ(RefusedFor([](auto* r) { r->mutable_template_()->clear_flavor(); }), "template.flavor");
  EXPECT_EQ(RefusedFor([](auto* r) { r->mutable_template_()->set_image("a\nb"); }),
            "template.image");
  EXPECT_EQ(RefusedFor([](auto* r) { r->mutable_template_()->set_name(std::string(256, 'n')); }),
            "template.name");
  EXPECT_EQ(RefusedFor([](auto* r) {
              for (int i = 0; i < 33; ++i) r->mutable_template_()->add_networks("n");
            }),
            "template.networks");
  EXPECT_EQ(RefusedFor([](auto* r) {
              for (int i = 0; i < 129; ++i) {
                (*r->mutable_template_()->mutable_metadata())[std::to_string(i)] = "";
              }
            }),
            "template.metadata");
  EXPECT_EQ(RefusedFor([](auto* r) {
              (*r->mutable_template_()->mutable_metadata())["k"] = std::string(256, 'v');
            }),
            "template.metadata");
  EXPECT_EQ(
      RefusedFor([](auto* r) { r->mutable_template_()->set_user_data(std::string(65536, 'A')); }),
      "template.user_data");
}

TEST(CheckPage, Bounds) {
  EXPECT_TRUE(CheckPage(0, "").ok());
  EXPECT_TRUE(CheckPage(1000, "token").ok());
  EXPECT_FALSE(CheckPage(-1, "").ok());
  EXPECT_FALSE(CheckPage(1001, "").ok());
  EXPECT_TRUE(HasReason(CheckPage(0, std::string(2000, 't')), reason::kPageTokenInvalid));
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
