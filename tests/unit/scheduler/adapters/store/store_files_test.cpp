// SPDX-License-Identifier: Apache-2.0
// The files of the store: their modes, earlier schemas, damage, and disks that take no more.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "scheduler/adapters/store/rows.h"
#include "tests/unit/scheduler/adapters/store/store_fixture.h"

namespace kilonova::scheduler::core {
namespace {

using testing::HasSubstr;

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
  WholeState all;
  StateReader reader(all);
  static_cast<void>((*store)->Load(reader));  // after which it is looked at
  for (int i = 0; i < 6000 && (*store)->Health().ok(); ++i) {
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

}  // namespace
}  // namespace kilonova::scheduler::core
