// SPDX-License-Identifier: Apache-2.0
// Fetching from files and from a server that misbehaves; what is left behind; sharing.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <thread>

#include "common/base/hash.h"
#include "tests/integration/images/fixture.h"

namespace kilonova::testing {
namespace {
namespace fs = std::filesystem;

class FetchTest : public ImageStoreTest {
 protected:
  FetchTest() : file(dir.path() / "image.raw") {
    std::string bytes;
    for (int i = 0; i < 64 * 1024; ++i) bytes += static_cast<char>('a' + i % 23);
    WriteFile(file, bytes);
    server = std::make_unique<ImageServer>(file);
  }
  model::ImageSource Remote(const std::string& path) const {
    model::ImageSource image = Source(file, "raw");
    image.url = server->Url(path);
    return image;
  }
  void ExpectNothingLeft() { EXPECT_TRUE(CacheFiles().empty()); }

  fs::path file;
  std::unique_ptr<ImageServer> server;
};

TEST_F(FetchTest, ServesAndCachesAnImage) {
  const auto image = Ensure(Remote("/ok"));
  ASSERT_TRUE(image.ok()) << Describe(image.status());
  EXPECT_EQ(image->format, "raw");
  EXPECT_EQ(image->virtual_size, 64u * 1024);
  EXPECT_EQ(ReadFile(image->path), ReadFile(file));
  EXPECT_EQ(image->path, options.paths.Images() / (Source(file, "raw").sha256 + ".raw"));
  struct stat info = {};
  ASSERT_EQ(stat(image->path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0444u);
  const int starts = QemuImgStarts();
  Reopen();  // the cache outlives the process
  EXPECT_TRUE(Ensure(Remote("/ok")).ok());
  EXPECT_EQ(server->Requests("/ok"), 1);
  EXPECT_EQ(QemuImgStarts(), starts) << "a cached image was probed again";
}

TEST_F(FetchTest, ADamagedCacheIsFetchedAnew) {
  const auto first = Ensure(Remote("/ok"));
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(truncate(first->path.c_str(), 100), 0);
  ASSERT_TRUE(Ensure(Remote("/ok")).ok());
  EXPECT_EQ(ReadFile(first->path), ReadFile(file));
  fs::remove(first->path.string() + ".info");
  ASSERT_TRUE(Ensure(Remote("/ok")).ok());
  WriteFile(first->path.string() + ".other", "");  // an unrelated file harms nothing
  EXPECT_TRUE(Ensure(Remote("/ok")).ok());
  EXPECT_EQ(server->Requests("/ok"), 3);
}

TEST_F(FetchTest, EachKindOfTroubleHasItsReasonAndLeavesNothing) {
  options.http.stall_time = std::chrono::seconds(3);
  Reopen();
  const struct {
    std::string path;
    Reason reason;
    int requests;
  } cases[] = {
      {"/404", reason::kImageFetchFailed, 1},
      {"/500", reason::kImageFetchFailed, 3},
      {"/flaky/9", reason::kImageFetchFailed, 3},
      {"/stall", reason::kImageFetchFailed, 1},
      {"/truncated", reason::kImageFetchFailed, 1},
      {"/long", reason::kImageFetchFailed, 1},
      {"/chunked-cut", reason::kImageFetchFailed, 1},
      {"/elsewhere", reason::kImageSourceForbidden, 1},
      {"/loop", reason::kImageFetchFailed, 4},
      {"/changed", reason::kImageChecksumMismatch, 1},
  };
  for (const auto& c : cases) {
    const Status status = Ensure(Remote(c.path)).status();
    EXPECT_TRUE(HasReason(status, c.reason)) << c.path << ": " << Describe(status);
    EXPECT_EQ(server->Requests(c.path), c.requests) << c.path;
    ExpectNothingLeft();
  }
  EXPECT_EQ(server->Requests("/ok"), 0);
  EXPECT_EQ(QemuImgStarts(), 0);
}

TEST_F(FetchTest, RetriesAndSameHostRedirectsSucceed) {
  EXPECT_TRUE(Ensure(Remote("/flaky/2")).ok());
  EXPECT_EQ(server->Requests("/flaky/2"), 3);
  fs::remove_all(options.paths.Images());
  Reopen();
  EXPECT_TRUE(Ensure(Remote("/here")).ok());
}

TEST_F(FetchTest, TheTotalDeadlineHolds) {
  options.http.total_timeout = std::chrono::milliseconds(300);
  options.http.min_bytes_per_second = 1;
  Reopen();
  const Status status = Ensure(Remote("/slow")).status();
  EXPECT_TRUE(HasReason(status, reason::kImageFetchFailed)) << Describe(status);
  ExpectNothingLeft();
}

TEST_F(FetchTest, TheByteLimitHoldsWithoutAContentLengthToTrust) {
  options.max_file_bytes = 1000;
  Reopen();
  model::ImageSource image = Remote("/ok");
  image.size_bytes = 0;
  EXPECT_TRUE(HasReason(Ensure(image).status(), reason::kImageFetchFailed));
  ExpectNothingLeft();
}

TEST_F(FetchTest, ARawImageLargerThanTheFlavorEndsEarly) {
  EXPECT_TRUE(HasReason(Ensure(Remote("/ok"), 4096).status(), reason::kImageTooBigForFlavor));
  ExpectNothingLeft();
}

TEST_F(FetchTest, NobodyListeningIsAFetchFailure) {
  const model::ImageSource image = Remote("/ok");
  server.reset();
  EXPECT_TRUE(HasReason(Ensure(image).status(), reason::kImageFetchFailed));
}

TEST_F(FetchTest, LoopbackIsForbiddenByDefaultEvenByName) {
  options.http.allow_loopback = false;
  Reopen();
  model::ImageSource image = Remote("/ok");
  EXPECT_TRUE(HasReason(Ensure(image).status(), reason::kImageSourceForbidden));
  const std::string port = image.url.substr(17, image.url.find('/', 17) - 17);
  image.url = "http://localhost:" + port + "/ok";
  EXPECT_TRUE(HasReason(Ensure(image).status(), reason::kImageSourceForbidden));
  EXPECT_EQ(server->Requests("/ok"), 0);
}

TEST_F(FetchTest, OnlyRegularFilesBelowTheRootsAreRead) {
  const fs::path inside = dir.path() / "inside";
  fs::create_directory(inside);
  fs::copy_file(file, inside / "good");
  fs::create_symlink(file, inside / "link");
  fs::create_directory_symlink(dir.path(), inside / "dirlink");
  ASSERT_EQ(mkfifo((inside / "fifo").c_str(), 0600), 0);
  options.image_file_roots = {inside};
  Reopen();
  const auto from = [&](const fs::path& path) {
    model::ImageSource image = Source(file, "raw");
    image.url = "file://" + path.string();
    return Ensure(image).status();
  };
  for (const fs::path& path :
       {file, inside / "link", inside / "dirlink/image.raw", inside / "fifo", inside,
        inside / "../image.raw", fs::path("/dev/zero"), fs::path("/etc/passwd")}) {
    EXPECT_TRUE(HasReason(from(path), reason::kImageSourceForbidden)) << path;
  }
  EXPECT_TRUE(HasReason(from(inside / "missing"), reason::kImageFetchFailed));
  ExpectNothingLeft();
  EXPECT_TRUE(from(inside / "good").ok());
}

TEST_F(FetchTest, BadDigestsNeverBecomeFileNames) {
  const std::vector<std::string> digests = {"", "../../etc/passwd", std::string(64, '/'),
                                            std::string(63, 'a'), std::string(64, 'g')};
  for (const std::string& digest : digests) {
    model::ImageSource image = Remote("/ok");
    image.sha256 = digest;
    EXPECT_TRUE(HasReason(Ensure(image).status(), reason::kImageInvalid)) << digest;
  }
}

TEST_F(FetchTest, ConcurrentCallersShareOneDownload) {
  constexpr int kCallers = 6;
  const model::ImageSource image = Remote("/gate");
  std::atomic<int> good = 0;
  std::stop_source impatient;
  Status left;
  std::vector<std::jthread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] { good += store->Ensure(image, UINT64_MAX, {}).ok(); });
  }
  std::jthread leaver(
      [&] { left = store->Ensure(image, UINT64_MAX, impatient.get_token()).status(); });
  EXPECT_TRUE(Eventually([&] { return server->Requests("/gate") == 1; }));
  impatient.request_stop();
  leaver.join();
  EXPECT_EQ(left.code(), Code::kCancelled);
  model::ImageSource opener = Remote("/open");
  EXPECT_FALSE(Ensure(opener).ok());
  callers.clear();
  EXPECT_EQ(good, kCallers);
  EXPECT_EQ(server->Requests("/gate"), 1);
}

TEST_F(FetchTest, AStopEndsTheOnlyDownload) {
  std::stop_source stop;
  Status status;
  std::jthread caller(
      [&] { status = store->Ensure(Remote("/gate"), UINT64_MAX, stop.get_token()).status(); });
  EXPECT_TRUE(Eventually([&] { return server->Requests("/gate") == 1; }));
  stop.request_stop();
  caller.join();
  EXPECT_EQ(status.code(), Code::kCancelled);
  ExpectNothingLeft();
}

TEST_F(FetchTest, WhatACrashLeftIsRemovedAtStart) {
  WriteFile(options.paths.Downloads() / "half", "half an image");
  Reopen();
  ExpectNothingLeft();
}

// A file system that is full, and is not.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& at) : at_(at) {
    fs::create_directories(at_);
    mounted_ = mount("none", at_.c_str(), "tmpfs", 0, "size=4m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  fs::path at_;
  bool mounted_ = false;
};

TEST_F(FetchTest, TheCacheDoesNotHideAWrongFormat) {
  const fs::path disc = dir.path() / "disc.iso";
  std::string bytes(64 << 10, '\0');
  bytes.replace(32769, 5, "CD001");
  WriteFile(disc, bytes);
  const auto image = Ensure(Source(disc, "iso"));
  ASSERT_TRUE(image.ok()) << Describe(image.status());
  EXPECT_EQ(image->format, "raw");
  EXPECT_EQ(image->virtual_size, bytes.size());
  const Status status = Ensure(Source(disc, "raw")).status();
  EXPECT_TRUE(HasReason(status, reason::kImageFormatMismatch)) << Describe(status);
}

TEST_F(FetchTest, AFullDiskIsSaidAndCleanedUp) {
  const SmallDisk disk(dir.path() / "small");
  if (!disk.mounted()) {
    std::cerr << "SKIPPED LOUDLY: may not mount a tmpfs here, the full disk is not tested\n";
    GTEST_SKIP() << "mount is not permitted";
  }
  options.paths.state_dir = dir.path() / "small/state";
  Reopen();
  const fs::path large = dir.path() / "large.raw";
  WriteFile(large, std::string(8 << 20, 'x'));
  const Status status = Ensure(Source(large, "raw")).status();
  EXPECT_TRUE(HasReason(status, reason::kHostDiskFull)) << Describe(status);
  ExpectNothingLeft();
  EXPECT_TRUE(Ensure(Source(file, "raw")).ok()) << "room again, works again";
}

}  // namespace
}  // namespace kilonova::testing
