// SPDX-License-Identifier: Apache-2.0
// What the store keeps: it comes back as it was, in whole units and in order.
#include <gmock/gmock.h>

#include <atomic>
#include <latch>
#include <random>
#include <thread>

#include "scheduler/adapters/store/instance_pack.h"
#include "scheduler/adapters/store/rows.h"
#include "tests/unit/scheduler/adapters/store/store_fixture.h"

namespace kilonova::scheduler::core {
namespace {

TEST_F(StoreTest, AFullRecord_ComesBackAsItWas) {
  auto record = std::make_shared<InstanceRecord>();
  model::InstanceSpec& spec = record->spec;
  spec.id = 7;
  spec.uuid = Uuid::Random();
  spec.display_name = "n\"\xF0\x9F\x90\xA7";
  spec.hostname = "h";
  spec.project_id = "p";
  spec.user_id = "u";
  spec.metadata = {{"a", "b"}};
  spec.user_data = "aGk=";
  spec.config_drive = true;
  spec.launch_index = 3;
  spec.created_at = FromMicros(1234567);
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "f";
  flavor.vcpus = 2;
  flavor.rxtx_factor = 1.5;
  flavor.extra_specs = {{"hw:x", "y"}};
  record->flavor = std::make_shared<const model::Flavor>(flavor);
  model::ImageSource image;
  image.id = Uuid::Random();
  image.size_bytes = 1ULL << 63;
  image.properties = {{"k", "v"}};
  record->image = record->kernel = record->ramdisk =
      std::make_shared<const model::ImageSource>(image);
  record->nics.push_back({Uuid::Random(),
                          Uuid::Random(),
                          "net",
                          model::NetworkKind::kBridge,
                          "br0",
                          "fa:16:3e:00:00:01",
                          9000,
                          true,
                          {{"10.0.0.2", 24, "10.0.0.1", 4}},
                          {"8.8.8.8"}});
  record->hints = {{"same_host", {Uuid::Random().str()}}};
  record->vm_state = model::VmState::kError;
  record->task_state = model::TaskState::kDeleting;
  record->power_state = model::PowerState::kCrashed;
  record->host = "h";
  record->claim_id = Uuid::Random();
  record->generation = 3;
  record->started_generation = 2;
  record->tried_hosts = {"a", "b"};
  record->alternates = {{"c", "c.node"}, {"d", "d.node"}};
  record->fault = FaultRecord{"R", "m", "h", FromMicros(5)};
  record->attempts = {*record->fault};
  record->request_id = "req-1";
  record->launched_at = FromMicros(9);
  Explanation explanation;
  explanation.hosts = 1;
  explanation.summary = "none";
  explanation.filters = {{"ComputeFilter", 1, 0}};
  explanation.explanations = {
      {"h", false, {{"ComputeFilter", false, "down", "up"}}, {{"RAM", 1, 0.5, 2}}, 1.5}};
  record->explanation = std::make_shared<const Explanation>(explanation);
  auto store = Open();
  const auto info = store->Commit({PutInstance{record, "pw"}});
  ASSERT_TRUE(info.ok());
  record->revision = info->revisions.at(0);
  store.reset();
  store = Open();
  const auto all = LoadAll(*store);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->instances.size(), 1U);
  EXPECT_TRUE(SameInstance(*record, *all->instances[0]));
  EXPECT_EQ(all->instances[0]->explanation->explanations[0].weights[0].normalized, 0.5);
  EXPECT_EQ(all->instances[0]->image, all->instances[0]->kernel);  // one object between them
  EXPECT_EQ(*store->AdminPassword(spec.uuid), "pw");
}

TEST(InstancePack, WhatIsCutOffOrOverwritten_IsRefusedOrRead_AndNothingElse) {
  auto record = std::make_shared<InstanceRecord>(*Record(7));
  record->hints = {{"same_host", {"a", "b"}}, {"query", {}}};
  record->fault = FaultRecord{"R", "m", "h", FromMicros(3)};
  const std::string whole = adapters::PackInstance(*record);
  adapters::DocReader docs;
  auto back = docs.InstanceWithoutParts(whole);
  ASSERT_TRUE(back.ok()) << Describe(back.status());
  back->flavor = record->flavor;
  back->image = record->image;
  EXPECT_TRUE(SameInstance(*record, *back));
  std::size_t refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    refused += docs.InstanceWithoutParts(whole.substr(0, size)).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, whole.size() / 2);
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string odd = whole;
    odd[1 + random() % (odd.size() - 1)] = static_cast<char>(random());
    (void)docs.InstanceWithoutParts(odd);
  }
  // A field of a later version is passed over.
  EXPECT_TRUE(docs.InstanceWithoutParts(whole + std::string("\xFE\x0F\x02", 3)).ok());
}

TEST_F(StoreTest, AUnitThatFails_TakesNoOtherWithIt) {
  auto store = Open();
  RequestRow request{"id", "digest", {}, {}};
  constexpr int kThreads = 32;
  std::latch start(kThreads);
  std::atomic<int> good = 0, refused = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        // All want the same id; the loser's instance must not stay.
        const auto done = store->Commit({PutInstance{Record(t + 1), {}}, PutRequest{request}});
        ++(done.ok() ? good : refused);
        EXPECT_TRUE(done.ok() || HasReason(done.status(), reason::kRequestIdReused));
      });
    }
  }
  EXPECT_EQ(good, 1);
  EXPECT_EQ(refused, kThreads - 1);
  EXPECT_EQ(LoadAll(*store)->instances.size(), 1U);
}

TEST_F(StoreTest, SixtyFourThreads_ShareCommitsInOrder) {
  auto store = Open();
  constexpr int kThreads = 64, kEach = 20;
  std::atomic<std::int64_t> id = 0;
  std::vector<std::int64_t> order;  // callbacks run on one thread
  std::atomic<int> waiting = kThreads * kEach;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          store->Submit({PutInstance{Record(++id), {}}}, [&](const Expected<CommitInfo>& done) {
            ASSERT_TRUE(done.ok()) << Describe(done.status());
            order.push_back(done->revisions.at(0));
            --waiting;
          });
        }
      });
    }
  }
  store.reset();  // writes what was accepted before it ends
  EXPECT_EQ(waiting, 0);
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_TRUE(std::ranges::is_sorted(order));
  store = Open();
  EXPECT_EQ(LoadAll(*store)->instances.size(), order.size());
  EXPECT_EQ(LoadAll(*store)->last_revision, order.back());
}

TEST_F(StoreTest, ConstraintsHold) {
  auto store = Open();
  NetworkRecord network;
  network.id = Uuid::Random();
  network.name = "n";
  const InstancePtr r = Record(1);
  ASSERT_TRUE(store
                  ->Commit({PutNetwork{network}, PutInstance{r, {}},
                            AddAddress{network.id, "10.0.0.2", Uuid::Random(), r->uuid()}})
                  .ok());
  // The same address twice, a claim of nobody, a network in use.
  EXPECT_FALSE(store->Commit({AddAddress{network.id, "10.0.0.2", Uuid::Random(), r->uuid()}}).ok());
  EXPECT_FALSE(store->Commit({PutClaim{{Uuid::Random(), Uuid::Random(), "h", 1, {}}}}).ok());
  EXPECT_FALSE(store->Commit({DropNetwork{network.id}}).ok());
  EXPECT_TRUE(store->Commit({DropAddresses{r->uuid()}, DropNetwork{network.id}}).ok());
}

TEST_F(StoreTest, IdsAreNeverGivenTwice) {
  auto store = Open();
  OutboxRow row{.id = 41, .host = "h", .instance = Uuid::Random(), .body = std::string("\0x", 2)};
  ASSERT_TRUE(store->Commit({AddOutbox{row}}).ok());
  EXPECT_EQ(*store->OutboxBody(41), row.body);
  ASSERT_TRUE(store->Commit({DropOutbox{41}}).ok());
  EXPECT_EQ(store->OutboxBody(41).status().code(), Code::kNotFound);
  store.reset();
  EXPECT_EQ(LoadAll(*Open())->last_outbox_id, 41);
}

TEST_F(StoreTest, AggregatesGroupsAndReservations_ComeBackAsTheyWere) {
  AggregateRecord aggregate{3, Uuid::Random(), "fast", {{"ssd", "true"}}, {}, FromMicros(5), {}};
  const ServerGroupRecord group{Uuid::Random(), "web", "anti-affinity", 2, "p", "u", FromMicros(6)};
  const ReservedRow reserved{"a", Uuid::Random(), Uuid::Random(), "10.0.0.9"};
  {
    auto store = Open();
    ASSERT_TRUE(store
                    ->Commit({PutAggregate{aggregate}, AddAggregateHost{3, "b"},
                              AddAggregateHost{3, "a"}, DropAggregateHost{3, "b"},
                              PutServerGroup{group}, PutReserved{reserved}, RaiseInstanceId{41}})
                    .ok());
    aggregate.name = "faster";
    aggregate.updated_at = FromMicros(7);
    ASSERT_TRUE(store->Commit({PutAggregate{aggregate}}).ok());
    EXPECT_FALSE(store->Commit({DropAggregate{3}}).ok());  // it has a host
  }
  aggregate.hosts = {"a"};
  auto store = Open();
  const auto all = LoadAll(*store);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->aggregates, std::vector{aggregate});
  EXPECT_EQ(all->server_groups, std::vector{group});
  EXPECT_EQ(all->reserved, std::vector{reserved});
  EXPECT_EQ(all->last_instance_id, 41);
  ASSERT_TRUE(store
                  ->Commit({DropAggregateHost{3, "a"}, DropAggregate{3}, DropServerGroup{group.id},
                            DropReserved{reserved.instance}, RaiseInstanceId{5}})
                  .ok());
  const auto after = LoadAll(*store);
  EXPECT_TRUE(after->aggregates.empty());
  EXPECT_TRUE(after->server_groups.empty());
  EXPECT_TRUE(after->reserved.empty());
  EXPECT_EQ(after->last_instance_id, 41);
  EXPECT_EQ(after->last_aggregate_id, 3);
}

TEST_F(StoreTest, AClaimsHardware_ComesBackAsItWas) {
  HardwareUse use;
  hardware::InstanceNumaCell cell;
  cell.id = 1;
  cell.cpuset = hardware::CpuSet{0, 1};
  cell.pcpuset = hardware::CpuSet{2, 3};
  cell.memory = 1024;
  cell.pagesize = hardware::kPagesLarge;
  cell.cpu_policy = hardware::CpuPolicy::kMixed;
  cell.cpu_thread_policy = hardware::CpuThreadPolicy::kIsolate;
  cell.cpu_pinning = {{2, 18}, {3, 300}};
  cell.cpuset_reserved = hardware::CpuSet{20};
  use.numa.emplace().cells = {cell};
  use.numa->emulator_threads_policy = hardware::EmulatorThreadsPolicy::kIsolate;
  hardware::PciRequest request{2,
                               {{{"vendor_id", "8086"}, {"physical_network", std::nullopt}}},
                               "nic",
                               "id",
                               hardware::PciNumaPolicy::kPreferred};
  use.requests = {request, {1, {}, "", "", hardware::PciNumaPolicy::kNone}};
  use.devices = {{"8086", "154d", 1, 2, {{"dev_type", "type-VF"}}},
                 {"1", "2", std::nullopt, 1, {}}};
  auto store = Open();
  const InstancePtr r = Record(1);
  const ClaimRow claim{Uuid::Random(), r->uuid(), "h", 3, {{"VCPU", 4}}, use};
  ASSERT_TRUE(store->Commit({PutInstance{r, {}}, PutClaim{claim}}).ok());
  store.reset();
  store = Open();
  EXPECT_EQ(LoadAll(*store)->claims, std::vector{claim});
  ASSERT_TRUE(store->Commit({DropClaim{r->uuid()}}).ok());
  EXPECT_TRUE(LoadAll(*store)->claims.empty());
}

TEST_F(StoreTest, APartOfAUnitThatFailed_IsWrittenAgain) {
  auto store = Open();
  auto flavor = std::make_shared<model::Flavor>();
  flavor->flavorid = "new";
  auto first = std::make_shared<InstanceRecord>(*Record(1));
  auto second = std::make_shared<InstanceRecord>(*Record(2));
  first->flavor = second->flavor = flavor;
  ASSERT_TRUE(store->Commit({PutRequest{{"id", "d", {}, {}}}}).ok());
  EXPECT_FALSE(store->Commit({PutInstance{first, {}}, PutRequest{{"id", "d", {}, {}}}}).ok());
  ASSERT_TRUE(store->Commit({PutInstance{second, {}}}).ok());
  store.reset();
  const auto all = LoadAll(*(store = Open()));
  ASSERT_TRUE(all.ok()) << Describe(all.status());
  EXPECT_EQ(all->instances.at(0)->flavor->flavorid, "new");
}

TEST_F(StoreTest, WhatIsOld_IsForgottenAndItsRevisionRemembered) {
  auto store = Open();
  auto old = std::make_shared<InstanceRecord>(*Record(1));
  old->vm_state = model::VmState::kDeleted;
  old->terminated_at = FromMicros(100);
  auto young = std::make_shared<InstanceRecord>(*Record(2));
  young->vm_state = model::VmState::kDeleted;
  young->terminated_at = FromMicros(300);
  ASSERT_TRUE(store
                  ->Commit({PutInstance{old, {}}, PutInstance{young, {}},
                            PutRequest{{"old", "d", {}, FromMicros(100)}},
                            PutRequest{{"young", "d", {}, FromMicros(300)}}})
                  .ok());
  const auto pruned = store->Commit({Prune{FromMicros(200)}});
  ASSERT_TRUE(pruned.ok());
  EXPECT_EQ(pruned->pruned_through, 1);
  EXPECT_FALSE(pruned->prune_again);
  EXPECT_FALSE(store->DeletedInstance(old->uuid()).ok());
  EXPECT_TRUE(store->DeletedInstance(young->uuid()).ok());
  EXPECT_EQ(LoadAll(*store)->requests.size(), 1U);
  EXPECT_EQ(LoadAll(*store)->pruned_through, 1);
}

}  // namespace
}  // namespace kilonova::scheduler::core
