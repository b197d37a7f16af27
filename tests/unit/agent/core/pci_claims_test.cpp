// SPDX-License-Identifier: Apache-2.0
// PCI devices of guests: which each gets, that nobody else gets it, and when it is free again.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "agent/core/host_claims.h"
#include "agent/core/inventory.h"
#include "agent/core/pci_machine.h"
#include "common/hardware/errors.h"
#include "tests/support/agent_harness.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/common/hardware/builders.h"

namespace kilonova::testing {
namespace {

using agent::core::HostClaims;
using agent::core::PciRequestsOf;
using agent::core::PoolsOf;
using hardware::AssignablePciDevice;
using model::Outcome;
using ::testing::Contains;
using ::testing::ElementsAre;

std::vector<AssignablePciDevice> Gpus(const std::vector<std::string>& addresses) {
  std::vector<AssignablePciDevice> devices;
  for (const std::string& address : addresses) {
    AssignablePciDevice& each = devices.emplace_back();
    each.device.address = address;
    each.device.vendor_id = "10de";
    each.device.product_id = "1db4";
    each.tags["physical_network"] = "net";
  }
  return devices;
}

hardware::PciRequest Ask(std::int64_t count, hardware::PciSpec spec = {},
                         hardware::PciNumaPolicy policy = hardware::PciNumaPolicy::kLegacy) {
  return {count, {std::move(spec)}, "gpu", "", policy};
}

std::int64_t Free(const HostClaims& claims, const std::vector<AssignablePciDevice>& devices) {
  std::int64_t count = 0;
  for (const auto& pool : PoolsOf(claims.FreeDevices(devices))) count += pool.count;
  return count;
}

TEST(PciClaims, AFunctionHasOneOwner) {
  HostClaims claims;
  HostClaims::HardwareRequest wanted;
  wanted.pci_devices = Gpus({"0000:05:00.0", "0000:05:00.1", "0000:05:00.2"});
  wanted.pci_devices[0].device.dev_type = "type-PF";
  for (const int i : {1, 2}) {
    wanted.pci_devices[i].device.dev_type = "type-VF";
    wanted.pci_devices[i].device.parent_addr = "0000:05:00.0";
  }
  EXPECT_EQ(Free(claims, wanted.pci_devices), 3);
  wanted.pci = {Ask(1, {{"dev_type", "type-VF"}})};
  const auto one = claims.Claim(NthUuid(1), {}, {}, wanted);
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_EQ(one->pci_devices.size(), 1U);
  EXPECT_EQ(Free(claims, wanted.pci_devices), 1) << "the physical function cannot be given either";
  EXPECT_EQ(claims.Claim(NthUuid(1), {}, {}, wanted)->pci_devices, one->pci_devices);
  HostClaims::HardwareRequest whole = wanted;
  whole.pci = {Ask(1, {{"dev_type", "type-PF"}})};
  EXPECT_EQ(ReasonOf(claims.Claim(NthUuid(2), {}, {}, whole).status()), "HOST_RESOURCES_EXHAUSTED");
  claims.Release(NthUuid(1));
  EXPECT_THAT(claims.Claim(NthUuid(2), {}, {}, whole)->pci_devices, ElementsAre("0000:05:00.0"));
  EXPECT_EQ(Free(claims, wanted.pci_devices), 0);
  EXPECT_FALSE(claims.Claim(NthUuid(3), {}, {}, wanted).ok());
}

TEST(PciClaims, OfManyAtOnceAsManyWinAsThereAreDevices) {
  HostClaims claims;
  HostClaims::HardwareRequest wanted;
  wanted.pci_devices = Gpus({"0000:05:00.0", "0000:06:00.0", "0000:07:00.0"});
  wanted.pci = {Ask(1)};
  std::mutex mutex;
  std::vector<std::string> given;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> builds;
    for (int n = 1; n <= 8; ++n) {
      builds.emplace_back([&, n] {
        const auto share = claims.Claim(NthUuid(n), {}, {}, wanted);
        if (!share.ok()) {
          EXPECT_TRUE(HasReason(share.status(), reason::kHostResourcesExhausted));
          ++refused;
          return;
        }
        const std::scoped_lock lock(mutex);
        given.insert(given.end(), share->pci_devices.begin(), share->pci_devices.end());
      });
    }
  }
  EXPECT_EQ(refused, 5);
  std::ranges::sort(given);
  EXPECT_THAT(given, ElementsAre("0000:05:00.0", "0000:06:00.0", "0000:07:00.0"));
}

TEST(PciClaims, CellsAreChosenByTheirDevices) {
  HostClaims claims;
  HostClaims::HardwareRequest wanted;
  wanted.host = hardware::testing::MakeHost({});
  wanted.numa = hardware::testing::MakeGuest({});
  wanted.limits = {1.0, 1.0, std::nullopt};
  wanted.pci_devices = Gpus({"0000:81:00.0"});
  wanted.pci_devices[0].device.numa_node = 1;
  wanted.pci = {Ask(1, {}, hardware::PciNumaPolicy::kRequired)};
  const auto share = claims.Claim(NthUuid(1), {}, {}, wanted);
  ASSERT_TRUE(share.ok()) << share.status();
  ASSERT_TRUE(share->numa);
  EXPECT_EQ(share->numa->cells[0].id, 1);
  EXPECT_THAT(share->pci_devices, ElementsAre("0000:81:00.0"));
  // The next one finds CPUs but no device, and keeps nothing.
  const auto before = claims.WithUsage(*wanted.host);
  const auto late = claims.Claim(NthUuid(2), {}, {}, wanted);
  EXPECT_TRUE(HasReason(late.status(), reason::kHostResourcesExhausted));
  EXPECT_EQ(claims.WithUsage(*wanted.host), before);
  // One that only prefers it takes what there is.
  wanted.pci_devices = Gpus({"0000:81:00.0", "0000:82:00.0"});
  wanted.pci_devices[1].device.numa_node = 7;
  wanted.pci = {Ask(1, {}, hardware::PciNumaPolicy::kPreferred)};
  EXPECT_THAT(claims.Claim(NthUuid(2), {}, {}, wanted)->pci_devices, ElementsAre("0000:82:00.0"));
}

TEST(PciClaims, WhatAMessageAsks) {
  model::BuildRequest build;
  build.pci_requests = {
      {2, {{{"vendor_id", "10de"}}, {{"vendor_id", "8086"}}}, "gpu", "r", "socket"}};
  const auto requests = PciRequestsOf(build);
  ASSERT_TRUE(requests.ok()) << requests.status();
  hardware::PciRequest expected = Ask(2, {{"vendor_id", "10de"}}, hardware::PciNumaPolicy::kSocket);
  expected.spec.push_back({{"vendor_id", "8086"}});
  expected.request_id = "r";
  EXPECT_THAT(*requests, ElementsAre(expected));
  build.pci_requests[0].numa_policy = "near";
  EXPECT_TRUE(HasReason(PciRequestsOf(build).status(), reason::kObjectInvalid));
}

TEST(PciClaims, WhatIsReported) {
  auto devices = Gpus({"0000:05:00.0", "0000:06:00.0", "0000:81:00.0"});
  devices[2].device.numa_node = 1;
  devices[2].tags["physical_network"] = std::nullopt;
  EXPECT_THAT(
      PoolsOf(hardware::PciDevices(devices).Free()),
      ElementsAre(
          model::PciPool{
              "10de", "1db4", -1, 2, {{"dev_type", "type-PCI"}, {"physical_network", "net"}}},
          model::PciPool{
              "10de", "1db4", 1, 1, {{"dev_type", "type-PCI"}, {"physical_network", ""}}}));
}

TEST(PciClaims, HostsCanKeepADeviceOnTheGuestsSocket) {
  EXPECT_THAT(agent::core::MakeHostReport({}, {}, {}).traits,
              Contains("COMPUTE_SOCKET_PCI_NUMA_AFFINITY"))
      << "the scheduler asks for it where hw:pci_numa_affinity_policy is socket";
}

TEST(PciMachine, TheKernelSaysWhatAFunctionIs) {
  namespace fs = std::filesystem;
  const TempDir dir;
  const fs::path& sys = dir.path();
  const fs::path pf = sys / "devices/0000:05:00.0";
  fs::create_directories(pf);
  fs::create_directories(sys / "bus/pci/devices");
  fs::create_directories(sys / "class/net/eth0");
  std::ofstream(pf / "sriov_totalvfs") << "8\n";
  fs::create_directory_symlink(pf, sys / "bus/pci/devices/0000:05:00.0");
  fs::create_directory_symlink(pf, sys / "class/net/eth0/device");
  const auto machine = agent::core::MachineAt(sys.string());
  EXPECT_TRUE(machine.is_physical_function("0000:05:00.0"));
  EXPECT_FALSE(machine.is_physical_function("0000:05:00.1"));
  const auto function = machine.function_of("eth0");
  ASSERT_TRUE(function);
  EXPECT_EQ(function->address, "0000:05:00.0");
  EXPECT_TRUE(function->physical);
  EXPECT_FALSE(machine.function_of("eth1"));
  EXPECT_FALSE(machine.function_of("../net/eth0"));
}

class PciBuild : public AgentHarness {
 protected:
  PciBuild() { hypervisor_.SetPciDevices(Gpus({"0000:05:00.0", "0000:81:00.0"})); }
  std::int64_t Reported() {
    std::int64_t free = 0;
    const auto report = agent_->Report();
    EXPECT_TRUE(report.ok());
    for (const auto& pool : report->pci_pools) free += pool.count;
    return free;
  }
  bool HasDevice(int n, const std::string& address) {
    return hypervisor_.Xml(NthUuid(n)).find("<hostdev>" + address + "</hostdev>") !=
           std::string::npos;
  }
  void ExpectRefused(int n, Reason why) {
    const auto last = LastReport(n);
    EXPECT_EQ(last.outcome, Outcome::kFailed);
    ASSERT_TRUE(last.fault);
    EXPECT_EQ(last.fault->reason, why.name);
    EXPECT_TRUE(last.fault->retryable) << "another host may have what this one has not";
  }
};

TEST_F(PciBuild, EachGuestHasItsOwnAndKeepsItOverARestart) {
  Boot();
  Settle();
  EXPECT_EQ(Reported(), 2);
  Send("build", 1, 1, "gpu1");
  Send("build", 2, 1, "gpu2");
  Settle();
  const auto first = Record(1)->pci_devices;
  const auto second = Record(2)->pci_devices;
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_NE(first, second);
  EXPECT_TRUE(HasDevice(1, first[0]));
  EXPECT_TRUE(HasDevice(2, second[0]));
  EXPECT_EQ(Reported(), 0);
  Restart();
  Settle();
  EXPECT_EQ(Record(1)->pci_devices, first);
  Send("build", 3, 1, "gpu3");
  Settle();
  ExpectRefused(3, reason::kHostResourcesExhausted);
  // What one gives back the next one gets.
  Send("terminate", 1);
  Settle();
  EXPECT_EQ(Reported(), 1);
  Send("build", 4, 1, "gpu4");
  Settle();
  EXPECT_EQ(Record(4)->pci_devices, first);
}

TEST_F(PciBuild, WhatCannotStartGivesItsDeviceBack) {
  Boot();
  Settle();
  hypervisor_.Fail("start", Error(Code::kInvalidArgument, reason::kHypervisorRefused, "no IOMMU"));
  Send("build", 1, 1, "gpu1");
  Settle();
  ExpectRefused(1, reason::kHypervisorRefused);
  EXPECT_EQ(Reported(), 2);
  EXPECT_FALSE(Record(1));
}

TEST_F(PciBuild, AGuestTheJournalLostKeepsItsDevice) {
  Boot();
  Settle();
  Send("build", 1, 1, "gpu1");
  Settle();
  const auto held = Record(1)->pci_devices;
  agent::core::Journal::Completion loss;
  loss.remove = NthUuid(1);
  ASSERT_TRUE(journal_.Complete(loss).ok());
  Restart();
  Settle();
  EXPECT_EQ(Record(1)->pci_devices, held);
  EXPECT_EQ(Reported(), 1);
  Send("terminate", 1);
  Settle();
  EXPECT_EQ(Reported(), 2);
}

TEST_F(PciBuild, AStartedAnewGuestHasTheSameDevice) {
  Boot();
  Settle();
  Send("build", 1, 1, "gpu1");
  Settle();
  const auto held = Record(1)->pci_devices;
  Send("stop", 1);
  Settle();
  EXPECT_EQ(Reported(), 1) << "a stopped guest keeps what it has";
  Send("start", 1);
  Settle();
  EXPECT_EQ(Record(1)->pci_devices, held);
  EXPECT_TRUE(HasDevice(1, held[0]));
}

TEST_F(PciBuild, ADeviceThatIsNoLongerConfiguredIsStillItsGuests) {
  Boot();
  Settle();
  Send("build", 1, 1, "gpu1");
  Settle();
  const auto held = Record(1)->pci_devices;
  hypervisor_.SetPciDevices({});
  Restart();
  Settle();
  EXPECT_EQ(Reported(), 0);
  EXPECT_EQ(Record(1)->pci_devices, held);
  hypervisor_.SetPciDevices(Gpus({"0000:05:00.0", "0000:81:00.0"}));
  Restart();
  Settle();
  EXPECT_EQ(Reported(), 1);
}

}  // namespace
}  // namespace kilonova::testing
