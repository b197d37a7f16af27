// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/host_numa_claims.h"

#include <gtest/gtest.h>

#include <random>

#include "common/hardware/errors.h"
#include "tests/unit/common/hardware/builders.h"

namespace kilonova::hardware {
namespace {

using testing::GuestShape;
using testing::HostShape;
using testing::MakeGuest;
using testing::MakeHost;

std::string Missing(const Status& status) {
  const Details details = DetailsOf(status);
  EXPECT_EQ(status.code(), Code::kResourceExhausted) << status;
  EXPECT_EQ(ReasonOf(status), "HOST_RESOURCES_EXHAUSTED");
  return details.at("need") + "; " + details.at("have");
}

TEST(HostNumaClaims, Claim_AgainIsTheSame) {
  HostNumaClaims claims(MakeHost({}));
  const Uuid instance = Uuid::Random();
  const auto first = claims.Claim(instance, {.numa = MakeGuest({.vcpus = 4})});
  ASSERT_TRUE(first.ok()) << first.status();
  const HostNumaTopology after = claims.Host();
  EXPECT_EQ(*claims.Claim(instance, {.numa = MakeGuest({.vcpus = 1})}), *first);
  EXPECT_EQ(claims.Host(), after);
}

TEST(HostNumaClaims, Claim_SaysWhatIsMissing) {
  struct Case {
    GuestShape guest;
    std::string missing;
  };
  const Case cases[] = {
      {{.cells = 3}, "3 NUMA cells; 2 NUMA cells"},
      {{.vcpus = 17}, "17 dedicated CPUs on one NUMA cell; 16 at most"},
      {{.vcpus = 16, .emulator_threads = EmulatorThreadsPolicy::kIsolate},
       "17 dedicated CPUs on one NUMA cell; 16 at most"},
      {{.vcpus = 17, .policy = CpuPolicy::kShared}, "17 shared CPUs on one NUMA cell; 16 at most"},
      {{.memory = 20000}, "20000 MiB on one NUMA cell; 16384 at most"},
      {{.memory = 1024, .pagesize = 2048},
       "1024 MiB in pages of 2048 KiB on one NUMA cell; 512 at most"},
      {{.memory = 1024, .pagesize = kPagesLarge},
       "1024 MiB in large pages on one NUMA cell; 512 at most"},
      {{.memory = 1024, .pagesize = 1048576},
       "1024 MiB in pages of 1048576 KiB on one NUMA cell; 0 at most"},
      {{.vcpus = 9, .threads = CpuThreadPolicy::kIsolate},
       "9 dedicated CPUs with thread policy isolate; no cell with such cores free"},
  };
  HostNumaClaims claims(MakeHost({.huge_pages = 256}));
  const HostNumaTopology before = claims.Host();
  for (const auto& [guest, missing] : cases) {
    const auto claim = claims.Claim(Uuid::Random(), {.numa = MakeGuest(guest)});
    EXPECT_EQ(Missing(claim.status()), missing);
  }
  EXPECT_EQ(claims.Host(), before);
  EXPECT_TRUE(claims.Claims().empty());
}

TEST(HostNumaClaims, Claim_SaysWhichLimitIsMet) {
  HostNumaClaims claims(MakeHost({}));
  const auto guest = MakeGuest({.vcpus = 9, .policy = CpuPolicy::kShared, .memory = 10000});
  NumaLimits limits{.cpu_allocation_ratio = 1.0, .ram_allocation_ratio = 1.0};
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(claims.Claim(Uuid::Random(), {.numa = guest, .limits = &limits}).ok());
  }
  EXPECT_EQ(Missing(claims.Claim(Uuid::Random(), {.numa = guest, .limits = &limits}).status()),
            "9 shared CPUs on one NUMA cell; 7 at most");
  limits.cpu_allocation_ratio = 16;
  EXPECT_EQ(Missing(claims.Claim(Uuid::Random(), {.numa = guest, .limits = &limits}).status()),
            "10000 MiB on one NUMA cell; 6384 at most");
}

TEST(HostNumaClaims, Claim_SaysThatDevicesOrNetworksAreFar) {
  HostNumaTopology host = MakeHost({});
  host.cells[1].network_metadata = NetworkMetadata{{"foo"}, false};
  HostNumaClaims claims(host);
  ASSERT_TRUE(claims.Claim(Uuid::Random(), {.numa = MakeGuest({.vcpus = 15})}).ok());
  ASSERT_TRUE(claims.Claim(Uuid::Random(), {.numa = MakeGuest({.vcpus = 12})}).ok());
  const CpuSet busy = claims.Host().cells[1].FreePcpus();
  const bool foo_is_full = busy.Size() == 1;
  const std::int64_t full = foo_is_full ? 1 : 0;
  const PciStats stats({{"8086", "1520", full, 1, {}}});
  const std::vector<PciRequest> requests = {
      {1, {{{"product_id", "1520"}}}, "a", "", PciNumaPolicy::kRequired}};
  EXPECT_EQ(
      Missing(claims
                  .Claim(Uuid::Random(),
                         {.numa = MakeGuest({}), .pci_requests = &requests, .pci_stats = &stats})
                  .status()),
      "PCI devices with affinity to the guest's NUMA cells; none there, or too few, where "
      "the guest fits");
  const NumaLimits limits{1, 1, NetworkMetadata{{"foo"}, false}};
  const auto near = claims.Claim(Uuid::Random(), {.numa = MakeGuest({}), .limits = &limits});
  EXPECT_EQ(near.ok(), !foo_is_full);
}

TEST(HostNumaClaims, Adopt_KeepsCpusOfGuestsTheBooksRefuse) {
  HostNumaClaims claims(MakeHost({.cells = 1, .cores = 2}));
  const auto fitted = claims.Claim(Uuid::Random(), {.numa = MakeGuest({})});
  ASSERT_TRUE(fitted.ok());
  const Uuid twin = Uuid::Random();
  InstanceNumaTopology overlapping = *fitted;
  overlapping.cells[0].cpu_pinning[1].second = 900;  // not a CPU of this host
  EXPECT_EQ(NovaExceptionOf(claims.Adopt(twin, overlapping)), "CPUPinningUnknown");
  EXPECT_EQ(claims.Host().cells[0].pinned_cpus, fitted->cells[0].PinnedHostCpus());
  EXPECT_EQ(claims.Host().cells[0].memory_usage, 2048);
  // The first one goes; the CPU both had stays with the second.
  claims.Release(claims.Claims().begin()->first == twin ? claims.Claims().rbegin()->first
                                                        : claims.Claims().begin()->first);
  EXPECT_EQ(claims.Host().cells[0].pinned_cpus.Size(), 1U);
  claims.Release(twin);
  EXPECT_EQ(claims.Host(), MakeHost({.cells = 1, .cores = 2}));
}

TEST(HostNumaClaims, SetHost_CountsEveryClaimAnew) {
  HostNumaClaims claims(MakeHost({}));
  const auto fitted = claims.Claim(Uuid::Random(), {.numa = MakeGuest({})});
  ASSERT_TRUE(fitted.ok());
  claims.SetHost(MakeHost({.memory = 32768}));
  const auto after = UsageAfter(MakeHost({.memory = 32768}), *fitted, Usage::kTake);
  EXPECT_EQ(claims.Host(), *after);
}

// ---- properties -------------------------------------------------------------------------------

GuestShape RandomGuest(std::mt19937& random) {
  const auto one_of = [&](auto... values) {
    const std::common_type_t<decltype(values)...> all[] = {values...};
    return all[random() % std::size(all)];
  };
  return {
      .cells = one_of(1, 1, 2, 4),
      .vcpus = one_of(1, 2, 3, 4),
      .policy = one_of(CpuPolicy::kNone, CpuPolicy::kShared, CpuPolicy::kDedicated,
                       CpuPolicy::kDedicated, CpuPolicy::kMixed),
      .threads = CpuThreadPolicy::kNone,
      .memory = one_of(6, 128, 512, 1024, 2048),
      .pagesize = one_of(std::optional<std::int64_t>(), std::optional(kPagesAny),
                         std::optional(kPagesLarge), std::optional(kPagesSmall)),
      .emulator_threads = one_of(EmulatorThreadsPolicy::kNone, EmulatorThreadsPolicy::kIsolate)};
}

CpuSet HostCpus(const InstanceNumaTopology& instance) {
  CpuSet cpus;
  for (const auto& cell : instance.cells) cpus |= cell.PinnedHostCpus() | cell.cpuset_reserved;
  return cpus;
}

void ExpectSound(const HostNumaClaims& claims) {
  CpuSet seen;
  std::size_t pinned = 0;
  for (const auto& [uuid, claim] : claims.Claims()) {
    const CpuSet cpus = HostCpus(claim);
    ASSERT_FALSE(seen.Intersects(cpus)) << FormatCpuSpec(seen & cpus) << " pinned twice";
    seen |= cpus;
    for (const auto& cell : claim.cells) ASSERT_EQ(cell.pcpuset.Size(), cell.cpu_pinning.size());
  }
  for (const auto& cell : claims.Host().cells) {
    ASSERT_TRUE(cell.pcpuset.Includes(cell.pinned_cpus));
    ASSERT_TRUE(cell.pinned_cpus.Includes(seen & cell.pcpuset));
    pinned += (seen & cell.pcpuset).Size();
    std::int64_t memory = 0;
    for (const auto& [uuid, claim] : claims.Claims()) {
      for (const auto& guest : claim.cells) memory += guest.id == cell.id ? guest.memory : 0;
    }
    ASSERT_EQ(cell.memory_usage, memory);
    std::int64_t in_pages = 0;
    for (const auto& pages : cell.mempages) {
      ASSERT_GE(pages.used, 0);
      if (pages.size_kb > 4) {
        ASSERT_LE(pages.used, pages.total - pages.reserved);
      }
      in_pages += pages.used * pages.size_kb;
    }
    ASSERT_EQ(in_pages, memory * 1024);
  }
  ASSERT_EQ(pinned, seen.Size());
}

// What FitInstanceToHost says cannot be counted.
bool FitsOnlyInNova(const HostNumaTopology& host, const InstanceNumaTopology& guest,
                    CellOrder order) {
  const auto fitted = FitInstanceToHost({.host = host, .instance = guest, .order = order});
  return fitted.ok() && *fitted && !UsageAfter(host, **fitted, Usage::kTake).ok();
}

TEST(HostNumaClaims, KeepTheHostExact) {
  int shortcut = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const HostNumaTopology empty =
        MakeHost({.cells = seed % 2 == 0 ? 2 : 8, .cores = 4, .huge_pages = 2048});
    const CellOrder order = seed % 3 == 0 ? CellOrder::kPack : CellOrder::kSpread;
    HostNumaClaims claims(empty, order);
    int claimed = 0;
    for (int step = 0; step < 150; ++step) {
      if (random() % 3 == 0 && !claims.Claims().empty()) {
        auto victim = claims.Claims().begin();
        std::advance(victim, random() % claims.Claims().size());
        claims.Release(Uuid(victim->first));
      } else {
        GuestShape shape = RandomGuest(random);
        if (shape.policy == CpuPolicy::kDedicated || shape.policy == CpuPolicy::kMixed) {
          shape.threads = static_cast<CpuThreadPolicy>(random() % 4);
        }
        const HostNumaTopology before = claims.Host();
        const auto claim = claims.Claim(Uuid::Random(), {.numa = MakeGuest(shape)});
        if (claim.ok()) ++claimed;
        shortcut += FitsOnlyInNova(before, MakeGuest(shape), order) ? 1 : 0;
        if (!claim.ok()) {
          ASSERT_EQ(claims.Host(), before);
          ASSERT_EQ(claim.status().code(), Code::kResourceExhausted) << claim.status();
        }
      }
      ExpectSound(claims);
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(claimed, 10);
    // A restart reads the same books.
    HostNumaClaims again(empty);
    for (const auto& [uuid, claim] : claims.Claims()) EXPECT_TRUE(again.Adopt(uuid, claim).ok());
    EXPECT_EQ(again.Host(), claims.Host());
    while (!claims.Claims().empty()) claims.Release(Uuid(claims.Claims().begin()->first));
    EXPECT_EQ(claims.Host(), empty);
  }
  EXPECT_GT(shortcut, 0) << "no guest that only FitInstanceSoundly places was among them";
}

}  // namespace
}  // namespace kilonova::hardware
