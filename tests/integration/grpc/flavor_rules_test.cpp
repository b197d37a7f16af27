// SPDX-License-Identifier: Apache-2.0
// What flavors may be, asked through the API.
#include "tests/integration/grpc/api.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

using Flavors = v1::FlavorService::Stub;
using flavors::extra_specs::Validation;

class FlavorRulesTest : public ApiTest {
 protected:
  Status CreateWith(const std::function<void(v1::Flavor&)>& change) {
    v1::CreateFlavorRequest request;
    request.mutable_flavor()->set_name("n" + std::to_string(++made_));
    request.mutable_flavor()->set_vcpus(1);
    request.mutable_flavor()->set_memory_mb(1);
    change(*request.mutable_flavor());
    v1::CreateFlavorResponse response;
    return Call(*flavors_, &Flavors::CreateFlavor, request, &response);
  }
  Status CreateWith(const std::string& key, const std::string& value) {
    return CreateWith([&](v1::Flavor& flavor) { (*flavor.mutable_extra_specs())[key] = value; });
  }
  Status Update(const std::string& flavor, const std::string& key, const std::string& value) {
    v1::UpdateFlavorRequest request;
    request.set_flavor(flavor);
    (*request.mutable_extra_specs())[key] = value;
    v1::UpdateFlavorResponse response;
    return Call(*flavors_, &Flavors::UpdateFlavor, request, &response);
  }
  void Restart(Validation validation) {
    StopServer();
    extra_specs_validation_ = validation;
    StartServer();
  }

 private:
  int made_ = 0;
};

void ExpectRefused(const Status& status, const std::string& field) {
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_TRUE(HasReason(status, reason::kFlavorInvalid)) << Describe(status);
  EXPECT_EQ(DetailsOf(status)["field"], field);
}

TEST_F(FlavorRulesTest, ExtraSpecsAreJudgedAsStrictlyAsConfigured) {
  ASSERT_TRUE(CreateWith([](v1::Flavor& flavor) { flavor.set_flavorid("f"); }).ok());
  ExpectRefused(CreateWith("hw:cpu_polcy", "shared"), "extra_specs.hw:cpu_polcy");
  ExpectRefused(CreateWith("hw:cpu_policy", "x"), "extra_specs.hw:cpu_policy");
  ExpectRefused(Update("f", "os:monitors", "9"), "extra_specs.os:monitors");
  EXPECT_TRUE(CreateWith("mine", "x").ok());
  EXPECT_TRUE(Update("f", "hw:numa_nodes", " 2").ok());

  Restart(Validation::kPermissive);
  EXPECT_TRUE(CreateWith("hw:cpu_polcy", "shared").ok());
  EXPECT_TRUE(Update("f", "hw:cpu_polcy", "shared").ok());
  ExpectRefused(CreateWith("hw:cpu_policy", "x"), "extra_specs.hw:cpu_policy");

  Restart(Validation::kDisabled);
  EXPECT_TRUE(CreateWith("hw:cpu_policy", "x").ok());
  EXPECT_TRUE(Update("f", "os:monitors", "9").ok());
  // The shape of keys is judged all the same.
  ExpectRefused(CreateWith("hw/cpu", "x"), "extra_specs.hw/cpu");
}

TEST_F(FlavorRulesTest, HostileFlavorsAreRefusedQuicklyAndLeaveNothing) {
  using std::string_literals::operator""s;
  ExpectRefused(CreateWith([](v1::Flavor& f) { f.set_name("a\0b"s); }), "name");
  ExpectRefused(CreateWith([](v1::Flavor& f) {
                  f.set_name(
                      "\xE2\x80\xAE"
                      "evil");
                }),
                "name");
  ExpectRefused(CreateWith([](v1::Flavor& f) { f.set_flavorid("../x"); }), "flavorid");
  ExpectRefused(CreateWith([](v1::Flavor& f) { f.set_description("a\x1B[2J"); }), "description");
  ExpectRefused(CreateWith("a", "x\0y"s), "extra_specs.a");
  ExpectRefused(CreateWith("a", std::string(256, 'x')), "extra_specs.a");
  ExpectRefused(CreateWith("hw:pmem", std::string(250, 'x') + "!"), "extra_specs.hw:pmem");
  const auto many = [](int count) {
    return [count](v1::Flavor& f) {
      for (int i = 0; i < count; ++i) {
        (*f.mutable_extra_specs())["hw:unknown_" + std::to_string(i)] = "x";
      }
    };
  };
  ExpectRefused(CreateWith(many(10'000)), "extra_specs");
  EXPECT_FALSE(CreateWith(many(100'000)).ok());  // larger than any message may be
  v1::ListFlavorsResponse list;
  ASSERT_TRUE(Call(*flavors_, &Flavors::ListFlavors, v1::ListFlavorsRequest(), &list).ok());
  EXPECT_EQ(list.flavors_size(), 0);
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
