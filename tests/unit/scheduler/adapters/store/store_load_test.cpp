// SPDX-License-Identifier: Apache-2.0
// A start's reading, on one thread, and its taking, on another.
#include <algorithm>

#include "tests/unit/scheduler/adapters/store/store_fixture.h"

namespace kilonova::scheduler::core {
namespace {

// Takes so many live instances, then has enough.
class Choosy final : public StateReader {
 public:
  Choosy(WholeState& all, std::size_t most) : StateReader(all), most_(most) {}
  Status Live(std::span<const LiveRow> rows) override {
    RETURN_IF_ERROR(StateReader::Live(rows));
    if (ids.size() < most_) return OkStatus();
    return Error(Code::kResourceExhausted, reason::kInternal, "enough");
  }

 private:
  const std::size_t most_;
};

TEST_F(StoreTest, ManyRows_AreHandedOverInOrder_UntilSomebodyHasEnough) {
  auto store = Open();
  std::vector<Op> ops;
  for (int i = 0; i < 3000; ++i) {
    auto record = std::make_shared<InstanceRecord>(*Record(i + 1));
    record->spec.display_name = "name " + std::to_string(i);
    record->spec.project_id = "p" + std::to_string(i % 7);
    ops.emplace_back(PutInstance{std::move(record), {}});
    ops.emplace_back(PutRequest{{"r" + std::to_string(i), "d", {}, FromMicros(1)}});
  }
  for (int i = 0; i < 200; ++i) {
    HostRow host;
    host.name = host.report.host = "h" + std::to_string(i);
    // A few kinds that many are of, and some that one is of.
    host.report.cpu_info = "cpu " + std::to_string(i % 5);
    host.report.traits = {"T" + std::to_string(i % 3), "U"};
    if (i % 20 == 0) host.report.supported_instances = {{"x86_64", "kvm", host.name}};
    ops.emplace_back(PutHost{host});
  }
  ASSERT_TRUE(store->Commit(std::move(ops)).ok());
  WholeState all;
  StateReader reader(all);
  ASSERT_TRUE(store->Load(reader).ok());
  EXPECT_EQ(all.Snapshot::instances, 3000U);
  ASSERT_EQ(reader.ids.size(), 3000U);
  for (std::size_t i = 0; i < reader.ids.size(); ++i) {
    ASSERT_EQ(reader.ids[i], static_cast<std::int64_t>(i + 1));
  }
  EXPECT_EQ(reader.requests.size(), 3000U);
  ASSERT_EQ(all.hosts.size(), 200U);
  EXPECT_TRUE(std::ranges::is_sorted(all.hosts, {}, &HostRow::name));
  for (const HostRow& host : all.hosts) {
    const int i = std::stoi(host.name.substr(1));
    EXPECT_EQ(host.report.cpu_info, "cpu " + std::to_string(i % 5));
    EXPECT_EQ(host.report.traits, (std::vector<std::string>{"T" + std::to_string(i % 3), "U"}));
    EXPECT_EQ(host.report.supported_instances.size(), i % 20 == 0 ? 1U : 0U);
  }
  for (const std::size_t most : {1U, 1500U, 3000U}) {
    WholeState some;
    Choosy choosy(some, most);
    EXPECT_EQ(store->Load(choosy).code(), Code::kResourceExhausted);
    EXPECT_LT(choosy.ids.size(), most + 3000);
  }
  store.reset();
  Sql("UPDATE instances SET vm_state = 'odd' WHERE id = 2900");
  store = Open();
  WholeState rest;
  StateReader again(rest);
  EXPECT_EQ(store->Load(again).code(), Code::kDataLoss);
  EXPECT_LT(again.ids.size(), 2900U);
  EXPECT_GT(again.ids.size(), 2000U);
}

}  // namespace
}  // namespace kilonova::scheduler::core
