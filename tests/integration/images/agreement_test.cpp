// SPDX-License-Identifier: Apache-2.0
// Every image vector through the whole store with the real qemu-img: what is refused from its bytes
// starts no tool, nothing ever opens the file beside a hostile image, and what is served agrees.
#include <sys/inotify.h>
#include <unistd.h>

#include "tests/integration/images/fixture.h"
#include "tests/unit/agent/adapters/images/image_vectors.h"

namespace kilonova::testing {
namespace {

// Sees each opening and reading of one file.
class Canary {
 public:
  explicit Canary(const std::filesystem::path& file)
      : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    WriteFile(file, std::string(64 * 1024, 'c'));
    EXPECT_GE(inotify_add_watch(fd_, file.c_str(), IN_OPEN | IN_ACCESS), 0);
  }
  ~Canary() { close(fd_); }
  Canary(const Canary&) = delete;
  bool Touched() {
    char events[4096];
    return read(fd_, events, sizeof events) > 0;
  }

 private:
  int fd_;
};

bool Served(const std::string& claim) {
  return claim == "qcow2" || claim == "raw" || claim == "iso" || claim == "ami" || claim == "aki" ||
         claim == "ari";
}

TEST_F(ImageStoreTest, EveryVectorGetsItsVerdictAndTheCanaryStaysClosed) {
  const auto image = dir.path() / "image";
  Canary canary(dir.path() / "canary.raw");
  // The images' relative references are beside the cache's copy, too.
  Canary cached_canary(options.paths.Downloads() / "canary.raw");
  int accepted = 0;
  int refused_by_bytes = 0;
  int refused_by_qemu = 0;
  const int count = ForEachImageVector([&](const ImageVector& v) {
    SCOPED_TRACE(v.id + " (" + v.why + "), claimed " + v.claimed_format);
    WriteFile(image, v.content);
    const int before = QemuImgStarts();
    const auto result = Ensure(Source(image, v.claimed_format));
    const int starts = QemuImgStarts() - before;
    const std::string reason = ReasonOf(result.status());
    if (!Served(v.claimed_format)) {
      EXPECT_EQ(reason, reason::kImageFormatNotServed.name);
      EXPECT_EQ(starts, 0);
    } else if (v.stage == "inspector") {
      EXPECT_TRUE(reason == reason::kImageUnsafe.name ||
                  reason == reason::kImageFormatMismatch.name)
          << reason;
      EXPECT_EQ(starts, 0) << "a tool was started on a refused image";
      ++refused_by_bytes;
    } else if (v.stage == "agreement") {
      EXPECT_EQ(DetailsOf(result.status())["check"], "qemu_disagrees") << Describe(result.status());
      ++refused_by_qemu;
    } else {
      ASSERT_TRUE(result.ok()) << Describe(result.status());
      EXPECT_GE(result->virtual_size, *v.virtual_size);
      EXPECT_LE(result->virtual_size, *v.virtual_size + 511);
      EXPECT_EQ(ReadFile(result->path), v.content);
      ++accepted;
    }
    EXPECT_FALSE(canary.Touched());
    EXPECT_FALSE(cached_canary.Touched());
  });
  std::cout << count << " vectors: " << accepted << " served, " << refused_by_bytes
            << " refused from their bytes, " << refused_by_qemu << " by qemu-img\n";
  EXPECT_GE(accepted, 20);
  EXPECT_GE(refused_by_bytes, 50);
  EXPECT_GE(refused_by_qemu, 1);
  // Nothing but served images and their records is left (and our canary).
  for (const std::string& name : CacheFiles()) {
    EXPECT_TRUE(name == ".tmp/canary.raw" || name.find("/") == std::string::npos) << name;
  }
}

TEST_F(ImageStoreTest, TheCanaryWouldNotice) {
  Canary canary(dir.path() / "canary.raw");
  EXPECT_FALSE(canary.Touched());
  EXPECT_EQ(ReadFile(dir.path() / "canary.raw").size(), 64u * 1024);
  EXPECT_TRUE(canary.Touched());
}

class MadeByQemuImg : public ImageStoreTest {
 protected:
  std::filesystem::path Make(const std::vector<std::string>& extra,
                             const std::string& size = "64M") {
    const auto path = dir.path() / "made.qcow2";
    std::vector<std::string> arguments = {"create", "-q", "-f", "qcow2"};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    arguments.push_back(path.string());
    if (!size.empty()) arguments.push_back(size);
    MustRun("/usr/bin/qemu-img", arguments);
    return path;
  }
};

TEST_F(MadeByQemuImg, PlainAndZstdAreServed) {
  for (const char* option : {"compat=1.1", "compat=0.10", "compression_type=zstd"}) {
    const auto image = Ensure(Source(Make({"-o", option}), "qcow2"));
    ASSERT_TRUE(image.ok()) << option << Describe(image.status());
    EXPECT_EQ(image->format, "qcow2");
    EXPECT_EQ(image->virtual_size, 64u << 20);
  }
}

TEST_F(MadeByQemuImg, BackingDataFileAndExtendedL2AreUnsafe) {
  const auto base = dir.path() / "base.raw";
  WriteFile(base, std::string(1 << 20, 'b'));
  const struct {
    std::vector<std::string> arguments;
    std::string size, check;
  } cases[] = {
      {{"-b", base.string(), "-F", "raw"}, "", "backing_file"},
      {{"-o", "data_file=" + (dir.path() / "data.raw").string() + ",data_file_raw=on"},
       "1M",
       "data_file"},
      {{"-o", "extended_l2=on"}, "1M", "unknown_features"},
  };
  for (const auto& c : cases) {
    const Status status = Ensure(Source(Make(c.arguments, c.size), "qcow2")).status();
    EXPECT_TRUE(HasReason(status, reason::kImageUnsafe)) << Describe(status);
    EXPECT_EQ(DetailsOf(status)["check"], c.check);
  }
  EXPECT_EQ(QemuImgStarts(), 0);
  EXPECT_TRUE(CacheFiles().empty());
}

TEST_F(MadeByQemuImg, SixteenTebibytesAreTooBigBeforeTheDownloadEnds) {
  const auto image = Source(Make({}, "16T"), "qcow2");
  const Status status = Ensure(image, std::uint64_t{20} << 30).status();
  EXPECT_TRUE(HasReason(status, reason::kImageTooBigForFlavor)) << Describe(status);
  EXPECT_EQ(DetailsOf(status)["virtual_size"], std::to_string(std::uint64_t{16} << 40));
  EXPECT_EQ(QemuImgStarts(), 0);
  EXPECT_TRUE(CacheFiles().empty());
  EXPECT_TRUE(Ensure(image, std::uint64_t{16} << 40).ok());
  // Now cached: the bound is each caller's own.
  EXPECT_TRUE(HasReason(Ensure(image, 1 << 20).status(), reason::kImageTooBigForFlavor));
}

TEST_F(MadeByQemuImg, AGuestsHeaderInARawImageIsAMismatch) {
  const Status status = Ensure(Source(Make({}), "raw")).status();
  EXPECT_TRUE(HasReason(status, reason::kImageFormatMismatch)) << Describe(status);
  EXPECT_EQ(QemuImgStarts(), 0);
}

}  // namespace
}  // namespace kilonova::testing
