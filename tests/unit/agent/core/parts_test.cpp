// SPDX-License-Identifier: Apache-2.0
// The small parts of core: console, claims, faults, the template check, files.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "agent/core/console.h"
#include "agent/core/faults.h"
#include "agent/core/host_claims.h"
#include "agent/core/instance_files.h"
#include "agent/core/template_check.h"
#include "common/model/bounds.h"
#include "tests/support/agent_harness.h"
#include "tests/support/temp_dir.h"

namespace kilonova::testing {
namespace {

namespace fs = std::filesystem;
using namespace agent::core;  // NOLINT: all of it is under test

TEST(Console, IsTheLastBytesOverBothFiles) {
  const TempDir dir;
  const fs::path log = dir.path() / "console.log";
  EXPECT_EQ(ReadConsoleTail(log, 10)->output, "");
  std::ofstream(log) << std::string("new\0\xff", 5);
  std::ofstream(log.string() + ".0") << "older";
  EXPECT_EQ(ReadConsoleTail(log, 100)->output, "older" + std::string("new\0\xff", 5));
  EXPECT_FALSE(ReadConsoleTail(log, 100)->truncated);
  EXPECT_EQ(ReadConsoleTail(log, 7)->output, "er" + std::string("new\0\xff", 5));
  EXPECT_TRUE(ReadConsoleTail(log, 7)->truncated);
  EXPECT_EQ(ReadConsoleTail(log, 2)->output, std::string("\0\xff", 2));
  std::ofstream(log) << std::string(model::kMaxConsoleBytes + 5, 'x');
  EXPECT_EQ(ReadConsoleTail(log, SIZE_MAX)->output.size(), model::kMaxConsoleBytes);
}

TEST(Console, FollowsNoLink) {
  const TempDir dir;
  std::ofstream(dir.path() / "secret") << "secret";
  fs::create_symlink(dir.path() / "secret", dir.path() / "console.log");
  EXPECT_FALSE(ReadConsoleTail(dir.path() / "console.log", 100).ok());
}

TEST(HostClaims, NeverBeyondCapacity) {
  HostClaims claims;
  model::Inventory memory;
  memory.total = 1000;
  const model::Inventories inventories = {{"MEMORY_MB", memory}};
  EXPECT_TRUE(claims.Claim(NthUuid(1), {{"MEMORY_MB", 600}}, inventories, {}).ok());
  EXPECT_TRUE(claims.Claim(NthUuid(1), {{"MEMORY_MB", 600}}, inventories, {}).ok());  // its own
  const Status full = claims.Claim(NthUuid(2), {{"MEMORY_MB", 401}}, inventories, {}).status();
  EXPECT_EQ(ReasonOf(full), "HOST_RESOURCES_EXHAUSTED");
  EXPECT_EQ(DetailsOf(full).at("free"), "400");
  EXPECT_FALSE(claims.Claim(NthUuid(3), {{"CUSTOM_GPU", 1}}, inventories, {}).ok());
  claims.Release(NthUuid(1));
  EXPECT_TRUE(claims.Claim(NthUuid(2), {{"MEMORY_MB", 401}}, inventories, {}).ok());
  EXPECT_EQ(claims.Used().at("MEMORY_MB"), 401);
}

TEST(Faults, HostsAreRetriedRequestsAreNot) {
  const auto retryable = [](Reason why) { return IsRetryable(Error(Code::kInternal, why, "m")); };
  for (const Reason why :
       {reason::kHostDiskFull, reason::kHostNetworkMissing, reason::kHypervisorUnavailable,
        reason::kHypervisorRefused, reason::kHostResourcesExhausted, reason::kImageFetchFailed}) {
    EXPECT_TRUE(retryable(why)) << why.name;
  }
  for (const Reason why :
       {reason::kImageUnsafe, reason::kImageChecksumMismatch, reason::kFlavorMismatch,
        reason::kFlavorNotFound, reason::kFlavorDiskTooSmall, reason::kFeatureNotServed,
        reason::kClaimStale, reason::kBuildAbandoned, reason::kImageSourceForbidden}) {
    EXPECT_FALSE(retryable(why)) << why.name;
  }
}

TEST(Faults, OperatorsWordsStayBehind) {
  const auto fault = MakeFault(Error(Code::kInternal, reason::kHypervisorRefused, "refused",
                                     {{kOperatorDetail, "/etc/x"}, {"field", "vcpus"}}));
  EXPECT_EQ(fault.message, "refused; field: vcpus");
}

TEST(TemplateCheck, ImageMustFitItsFlavor) {
  auto build = MakeBuild(1);
  build.image.min_ram_mb = 513;
  EXPECT_EQ(ReasonOf(CheckImageFitsFlavor(build)), "FLAVOR_MEMORY_TOO_SMALL");
  build.image.min_ram_mb = 512;
  build.image.min_disk_gb = 2;
  EXPECT_EQ(ReasonOf(CheckImageFitsFlavor(build)), "FLAVOR_DISK_TOO_SMALL");
  build.flavor.root_gb = 0;  // the image's own size
  EXPECT_TRUE(CheckImageFitsFlavor(build).ok());
}

TEST(InstanceFiles, ModesDoNotDependOnTheUmask) {
  const TempDir dir;
  const Paths paths{dir.path() / "state"};
  for (const mode_t mask : {mode_t{0}, mode_t{077}}) {
    const mode_t before = umask(mask);
    ASSERT_TRUE(PrepareStateDir(paths).ok());
    ASSERT_TRUE(MakeInstanceDir(paths, NthUuid(1)).ok());
    umask(before);
    EXPECT_EQ(fs::status(paths.state_dir).permissions(), fs::perms(0711));
    EXPECT_EQ(fs::status(paths.Downloads()).permissions(), fs::perms(0700));
    EXPECT_EQ(fs::status(paths.Instance(NthUuid(1))).permissions(), fs::perms(0711));
    ASSERT_TRUE(RemoveInstanceDir(paths, NthUuid(1)).ok());
    EXPECT_TRUE(RemoveInstanceDir(paths, NthUuid(1)).ok());
  }
  EXPECT_TRUE(RemoveInstanceDir(paths, Uuid()).ok());
  EXPECT_TRUE(fs::exists(paths.Instances()));
}

}  // namespace
}  // namespace kilonova::testing
