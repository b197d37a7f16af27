// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <random>
#include <sstream>
#include <thread>

#include "scheduler/adapters/store/instance_pack.h"
#include "scheduler/adapters/store/rows.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

using testing::HasSubstr;

InstancePtr Record(std::int64_t id, const Uuid& uuid = Uuid::Random()) {
  auto record = std::make_shared<InstanceRecord>();
  record->spec.id = id;
  record->spec.uuid = uuid;
  record->spec.display_name = "name";
  record->flavor = std::make_shared<const model::Flavor>();
  record->image = std::make_shared<const model::ImageSource>();
  return record;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() : path_(dir_.File("state.db")) {}
  std::unique_ptr<Store> Open() {
    auto store = adapters::OpenSqliteStore({.path = path_});
    EXPECT_TRUE(store.ok()) << Describe(store.status());
    return store.ok() ? *std::move(store) : nullptr;
  }
  Status OpenError() { return adapters::OpenSqliteStore({.path = path_}).status(); }
  void Sql(const char* text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_free(error);
    sqlite3_close(db);
  }
  std::string Bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream all;
    all << file.rdbuf();
    return all.str();
  }
  TempDir dir_;
  std::string path_;
};

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

TEST_F(StoreTest, ErasedSecrets_AreGoneFromTheFiles) {
  const std::string secret = "xyzzy-secret-xyzzy";
  const InstancePtr r = Record(1);
  auto store = Open();
  OutboxRow row{.id = 1, .host = "h", .instance = r->uuid(), .body = "body " + secret};
  ASSERT_TRUE(store->Commit({PutInstance{r, secret}, AddOutbox{row}}).ok());
  EXPECT_THAT(Bytes(path_ + "-wal"), HasSubstr(secret));
  ASSERT_TRUE(store->Commit({PutInstance{r, ""}, DropOutbox{1}}).ok());
  store.reset();
  EXPECT_EQ(Bytes(path_).find(secret), std::string::npos);
  EXPECT_EQ(Bytes(path_ + "-wal").find(secret), std::string::npos);
}

TEST_F(StoreTest, Files_AreReadableByTheOwnerAlone) {
  const mode_t old = umask(0);
  auto store = Open();
  ASSERT_TRUE(store->Commit({PutInstance{Record(1), {}}}).ok());
  umask(old);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat info {};
    ASSERT_EQ(stat((path_ + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << suffix;
  }
}

TEST_F(StoreTest, AnotherScheduler_IsRefused) {
  const auto store = Open();
  const Status second = OpenError();
  EXPECT_EQ(second.code(), Code::kFailedPrecondition);
  EXPECT_THAT(Message(second), HasSubstr("another scheduler"));
}

TEST_F(StoreTest, ADatabaseOfVersionOne_OpensAndKeepsItsData) {
  std::ifstream dump(KILONOVA_SOURCE_DIR "/tests/golden/database/v1.sql");
  std::stringstream text;
  text << dump.rdbuf();
  ASSERT_FALSE(text.str().empty());
  Sql(text.str().c_str());
  {
    const auto store = Open();
    ASSERT_NE(store, nullptr);
    const auto all = LoadAll(*store);
    ASSERT_TRUE(all.ok()) << Describe(all.status());
    ASSERT_EQ(all->instances.size(), 1U);
    const InstanceRecord& r = *all->instances[0];
    EXPECT_EQ(r.spec.display_name, "old");
    EXPECT_EQ(r.revision, 9);
    EXPECT_EQ(r.vm_state, model::VmState::kActive);
    EXPECT_EQ(r.nics.at(0).fixed_ips.at(0).address, "10.20.0.2");
    EXPECT_EQ(r.flavor->memory_mb, 512);
    EXPECT_TRUE(r.server_group.empty());
    EXPECT_EQ(all->hosts.at(0).disabled_reason, "disk swap");
    EXPECT_EQ(all->claims.at(0).resources.at("MEMORY_MB"), 512);
    EXPECT_EQ(all->requests.at(0).instances.size(), 1U);
    EXPECT_EQ(all->last_instance_id, 7);
    EXPECT_TRUE(all->aggregates.empty());
  }
  Rig rig(path_);
  rig.HostUp("a");
  ASSERT_TRUE(rig.conductor->CreateAggregate("one", "").ok());
  EXPECT_EQ(rig.Get(*Uuid::Parse("33333333-3333-4333-8333-333333333333"))->host, "a");
  rig.CheckInvariants();
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

TEST_F(StoreTest, ANewerSchema_IsRefused) {
  Open();
  Sql("INSERT INTO migrations VALUES (99, 0)");
  const Status status = OpenError();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(Message(status), HasSubstr("99"));
}

TEST_F(StoreTest, ADamagedFile_IsRefusedWithWhatToDo) {
  auto store = Open();
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(store->Commit({PutInstance{Record(i + 1), {}}}).ok());
  }
  store.reset();
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8 * 4096);
    file << std::string(5 * 4096, '\xAA');
  }
  Status status = OpenError();
  EXPECT_EQ(status.code(), Code::kDataLoss) << Describe(status);
  EXPECT_THAT(Message(status), HasSubstr("backup"));
  std::ofstream(path_, std::ios::trunc) << std::string(8192, 'x');
  status = OpenError();
  EXPECT_EQ(status.code(), Code::kDataLoss) << Describe(status);
}

TEST_F(StoreTest, ALargeDamagedFile_IsFoundOutWhileItServes) {
  {
    auto store = Open();
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(store->Commit({PutInstance{Record(i + 1), {}}}).ok());
    }
  }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20 * 4096);
    file << std::string(5 * 4096, '\xAA');
  }
  auto store = adapters::OpenSqliteStore({.path = path_, .most_checked_bytes = 1});
  ASSERT_TRUE(store.ok()) << Describe(store.status());
  for (int i = 0; i < 1000 && (*store)->Health().ok(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ((*store)->Health().code(), Code::kDataLoss);
  EXPECT_FALSE((*store)->Commit({PutInstance{Record(1000), {}}}).ok());
}

TEST_F(StoreTest, AnUnreadableRow_StopsTheStart) {
  auto store = Open();
  ASSERT_TRUE(store->Commit({PutInstance{Record(1), {}}}).ok());
  store.reset();
  Sql("UPDATE instances SET vm_state = 'odd'");
  store = Open();
  WholeState all;
  StateReader reader(all);
  EXPECT_EQ(store->Load(reader).code(), Code::kDataLoss);
}

TEST_F(StoreTest, AnUnreadableDocument_IsSaidToWhoAsksForIt) {
  auto store = Open();
  const InstancePtr bad = Record(1), good = Record(2);
  ASSERT_TRUE(store->Commit({PutInstance{bad, {}}, PutInstance{good, {}}}).ok());
  store.reset();
  Sql("UPDATE instance_docs SET doc = '{}' WHERE id = 1");
  store = Open();
  WholeState all;
  StateReader reader(all);
  EXPECT_TRUE(store->Load(reader).ok());
  EXPECT_EQ(store->Instance(bad->uuid()).status().code(), Code::kDataLoss);
  EXPECT_TRUE(store->Instance(good->uuid()).ok());
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

TEST_F(StoreTest, ADatabaseOfVersionTwo_OpensAndKeepsItsData) {
  std::ifstream dump(KILONOVA_SOURCE_DIR "/tests/golden/database/v2.sql");
  std::stringstream text;
  text << dump.rdbuf();
  ASSERT_FALSE(text.str().empty());
  Sql(text.str().c_str());
  const Uuid uuid = *Uuid::Parse("e56fa551-071b-4d1b-ad29-58cb9659de6f");
  {
    const auto store = Open();
    ASSERT_NE(store, nullptr);
    const auto all = LoadAll(*store);
    ASSERT_TRUE(all.ok()) << Describe(all.status());
    ASSERT_EQ(all->instances.size(), 2U);
    const InstanceRecord& r = *all->instances[0];
    EXPECT_EQ(r.uuid(), uuid);
    EXPECT_EQ(r.revision, 1);
    EXPECT_EQ(r.host, "host0");
    EXPECT_EQ(r.flavor->memory_mb, 512);
    EXPECT_EQ(r.flavor, all->instances[1]->flavor);
    EXPECT_EQ(r.image->name, "cirros");
    EXPECT_EQ(r.nics.at(0).fixed_ips.at(0).address, "10.0.0.1");
    EXPECT_EQ(all->claims.at(0).resources.at("MEMORY_MB"), 512);
    EXPECT_EQ(all->addresses.size(), 2U);
    EXPECT_EQ(all->requests.at(0).instances.front(), uuid);
    EXPECT_EQ(all->last_instance_id, 9);
    EXPECT_EQ(*store->AdminPassword(uuid), "secret");
    EXPECT_EQ(*store->OutboxBody(5), "{}");
    EXPECT_FALSE(store
                     ->Commit({AddAddress{all->networks.at(0).id, "10.0.0.1", Uuid::Random(),
                                          all->instances[1]->uuid()}})
                     .ok());
  }
  Rig rig(path_);
  rig.HostUp("host0");
  EXPECT_EQ(rig.Get(uuid)->spec.display_name, "web-0");
  rig.CheckInvariants();
}

TEST_F(StoreTest, APlaceThatCannotBeWritten_IsNamed) {
  path_ = dir_.File("missing/state.db");
  EXPECT_EQ(OpenError().code(), Code::kPermissionDenied);
  EXPECT_THAT(Message(OpenError()), HasSubstr(path_));
  path_ = dir_.File("link.db");
  ASSERT_EQ(symlink("/etc/passwd", path_.c_str()), 0);
  EXPECT_EQ(OpenError().code(), Code::kPermissionDenied);
}

// A file system of its own, small enough to fill or to make read-only. Needs root.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    std::filesystem::create_directory(path_);
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=2m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool ok() const { return mounted_; }
  bool ReadOnly() {
    return mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=2m") == 0;
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST_F(StoreTest, AFullDisk_RefusesWholeUnitsAndRecovers) {
  SmallDisk disk(dir_.File("disk"));
  if (!disk.ok()) GTEST_SKIP() << "needs the right to mount a tmpfs";
  path_ = dir_.File("disk/state.db");
  auto store = Open();
  ASSERT_NE(store, nullptr);
  const std::string filler = dir_.File("disk/filler");
  ASSERT_TRUE(store->Commit({PutInstance{Record(1), {}}}).ok());
  std::ofstream(filler) << std::string(1500 * 1024, 'x');
  int accepted = 1;
  std::optional<Status> refusal;
  for (int i = 2; i < 200 && !refusal; ++i) {
    OutboxRow row{
        .id = i, .host = "h", .instance = Uuid::Random(), .body = std::string(20000, 'b')};
    const auto done = store->Commit({PutInstance{Record(i), {}}, AddOutbox{row}});
    if (done.ok()) {
      ++accepted;
    } else {
      refusal = done.status();
    }
  }
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->code(), Code::kUnavailable) << Describe(*refusal);
  auto all = LoadAll(*store);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->instances.size(), static_cast<std::size_t>(accepted));
  EXPECT_EQ(all->outbox.size(), static_cast<std::size_t>(accepted - 1));
  std::filesystem::remove(filler);
  EXPECT_TRUE(store->Commit({PutInstance{Record(1000), {}}}).ok());
  store.reset();
  store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(LoadAll(*store)->instances.size(), static_cast<std::size_t>(accepted + 1));
}

TEST_F(StoreTest, AReadOnlyDisk_IsRefused) {
  SmallDisk disk(dir_.File("disk"));
  if (!disk.ok()) GTEST_SKIP() << "needs the right to mount a tmpfs";
  path_ = dir_.File("disk/state.db");
  Open();
  ASSERT_TRUE(disk.ReadOnly());
  EXPECT_EQ(OpenError().code(), Code::kPermissionDenied) << Describe(OpenError());
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
