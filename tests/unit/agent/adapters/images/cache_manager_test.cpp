// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/cache_manager.h"

#include <gmock/gmock.h>
#include <sys/statvfs.h>

#include <cstdlib>
#include <fstream>

namespace kilonova::agent::adapters::images {
namespace {

namespace fs = std::filesystem;

// A qcow2 header, version 3, that names `base`.
std::string Qcow2On(const std::string& base) {
  std::string header("QFI\xfb\0\0\0\3", 8);
  const auto be = [&header](std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) header += static_cast<char>(value >> (8 * i));
  };
  be(base.empty() ? 0 : 104, 8);
  be(base.size(), 4);
  header.resize(104);
  return header + base;
}

class CacheManagerTest : public ::testing::Test {
 protected:
  CacheManagerTest() {
    std::string name = (fs::temp_directory_path() / "kilonova-cache-XXXXXX").string();
    paths_.state_dir = mkdtemp(name.data());
    fs::create_directories(paths_.Images());
    fs::create_directories(paths_.Instances());
    fs::create_directories(paths_.Quarantine());
  }
  ~CacheManagerTest() override { fs::remove_all(paths_.state_dir); }

  void Cached(const std::string& key, std::chrono::hours age) {
    for (const std::string& file : {key, key + ".info"}) {
      std::ofstream(paths_.Images() / file) << "x";
      fs::last_write_time(paths_.Images() / file, fs::file_time_type::clock::now() - age);
    }
  }
  void DiskOn(const fs::path& dir, const std::string& file, const std::string& key) {
    fs::create_directories(dir);
    std::ofstream(dir / file) << Qcow2On(key.empty() ? "" : (paths_.Images() / key).string());
  }
  bool Has(const std::string& key) const {
    EXPECT_EQ(fs::exists(paths_.Images() / key), fs::exists(paths_.Images() / (key + ".info")));
    return fs::exists(paths_.Images() / key);
  }
  void Run() { CacheManager(paths_, options_, leases_).Run(); }

  core::Paths paths_;
  CacheOptions options_;
  CacheLeases leases_;
};

TEST_F(CacheManagerTest, RemovesWhatIsUnusedAndOldEnough) {
  Cached("old.qcow2", std::chrono::hours(25));
  Cached("young.qcow2", std::chrono::hours(23));
  Run();
  EXPECT_FALSE(Has("old.qcow2"));
  EXPECT_TRUE(Has("young.qcow2"));
  options_.remove_unused_original_minimum_age_seconds = std::chrono::hours(1);
  Run();
  EXPECT_FALSE(Has("young.qcow2"));
}

TEST_F(CacheManagerTest, NeverWhatADiskStandsOn) {
  Cached("root.qcow2", std::chrono::hours(1000));
  Cached("other.raw", std::chrono::hours(1000));
  Cached("lost.raw", std::chrono::hours(1000));
  DiskOn(paths_.Instances() / "a", "disk", "root.qcow2");
  DiskOn(paths_.Instances() / "b", "disk.eph0", "other.raw");
  DiskOn(paths_.Quarantine() / "c.1", "disk", "lost.raw");
  options_.remove_unused_original_minimum_age_seconds = std::chrono::seconds(0);
  Run();
  EXPECT_TRUE(Has("root.qcow2") && Has("other.raw") && Has("lost.raw"));
  // Its age counts from when it was last used, as in Nova.
  options_.remove_unused_original_minimum_age_seconds = std::chrono::hours(24);
  fs::remove_all(paths_.Instances() / "a");
  Run();
  EXPECT_TRUE(Has("root.qcow2"));
}

TEST_F(CacheManagerTest, NeverWhatABuildHolds) {
  Cached("held.qcow2", std::chrono::hours(1000));
  auto lease = leases_.Take("held.qcow2");
  Run();
  EXPECT_TRUE(Has("held.qcow2"));
  lease.reset();
  Run();
  EXPECT_FALSE(Has("held.qcow2"));
}

TEST_F(CacheManagerTest, NothingWhenADiskCannotBeRead) {
  Cached("old.qcow2", std::chrono::hours(1000));
  fs::create_directories(paths_.Instances() / "a");
  fs::create_symlink("/nonexistent", paths_.Instances() / "a" / "disk");
  Run();
  EXPECT_TRUE(Has("old.qcow2"));
}

TEST_F(CacheManagerTest, NothingWhenToldNotTo) {
  Cached("old.qcow2", std::chrono::hours(1000));
  options_.remove_unused_base_images = false;
  Run();
  EXPECT_TRUE(Has("old.qcow2"));
}

TEST_F(CacheManagerTest, NearlyFullDiskMakesTheUnusedGoWhateverTheirAge) {
  Cached("used.qcow2", std::chrono::hours(2));
  Cached("unused.qcow2", std::chrono::hours(1));
  DiskOn(paths_.Instances() / "a", "disk", "used.qcow2");
  const CacheManager manager(paths_, options_, leases_);
  EXPECT_TRUE(manager.MakeRoom(0).ok());
  EXPECT_TRUE(Has("unused.qcow2"));
  const Status full = manager.MakeRoom(std::uint64_t{1} << 60);
  EXPECT_EQ(ReasonOf(full), "HOST_DISK_FULL");
  EXPECT_FALSE(Has("unused.qcow2"));
  EXPECT_TRUE(Has("used.qcow2"));
}

}  // namespace
}  // namespace kilonova::agent::adapters::images
