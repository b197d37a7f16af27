// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/network/networks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

namespace kilonova::agent::adapters::network {
namespace {

class OneNetwork : public core::Hypervisor {
 public:
  bool Connected() const override { return true; }
  Expected<core::HostFacts> Facts() override { return core::HostFacts{}; }
  Status Define(const std::string&) override { return OkStatus(); }
  Status Start(const Uuid&) override { return OkStatus(); }
  Status Shutdown(const Uuid&) override { return OkStatus(); }
  Status Destroy(const Uuid&) override { return OkStatus(); }
  Status Undefine(const Uuid&) override { return OkStatus(); }
  Status SetTpmSecret(const Uuid&, const std::string&) override { return OkStatus(); }
  Status ForgetTpmSecret(const Uuid&) override { return OkStatus(); }
  Expected<core::DomainInfo> State(const Uuid&) override { return core::DomainInfo{}; }
  Expected<core::HeldDevices> DevicesOf(const Uuid&) override { return core::HeldDevices{}; }
  Expected<std::vector<core::DomainInfo>> List() override {
    return std::vector<core::DomainInfo>{};
  }
  Expected<std::string> NetworkBridge(const std::string& name) override {
    if (name == "there") return "virbr7";
    return Error(Code::kNotFound, reason::kHostNetworkMissing, "not there");
  }
  void Subscribe(std::function<void(const core::DomainEvent&)>, std::function<void()>) override {}
};

class NetworksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/kn-net-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    interfaces_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(interfaces_); }
  void AddInterface(const std::string& name, const std::string& flags, bool bridge) {
    std::filesystem::create_directories(interfaces_ / name);
    if (bridge) std::filesystem::create_directories(interfaces_ / name / "bridge");
    std::ofstream(interfaces_ / name / "flags") << flags << "\n";
  }
  Status Check(model::NetworkKind kind, const std::string& source) {
    model::NicRequest nic;
    nic.kind = kind;
    nic.source = source;
    return Networks(hypervisor_, interfaces_).Check(nic);
  }

  OneNetwork hypervisor_;
  std::filesystem::path interfaces_;
};

TEST_F(NetworksTest, Bridge_UpDownAbsentOrNoBridge) {
  AddInterface("br-up", "0x1003", true);
  AddInterface("br-down", "0x1002", true);
  AddInterface("eth0", "0x1003", false);
  const auto kind = model::NetworkKind::kBridge;
  EXPECT_TRUE(Check(kind, "br-up").ok());
  for (const char* name : {"br-down", "eth0", "absent", "", "..",
                           "../"
                           "etc"}) {
    EXPECT_TRUE(HasReason(Check(kind, name), reason::kHostNetworkMissing)) << name;
  }
}

TEST_F(NetworksTest, LibvirtNetwork_AsTheHypervisorSays) {
  EXPECT_TRUE(Check(model::NetworkKind::kLibvirtNetwork, "there").ok());
  EXPECT_TRUE(
      HasReason(Check(model::NetworkKind::kLibvirtNetwork, "absent"), reason::kHostNetworkMissing));
}

// A real, persistent tap of the machine's; skipped where the test may not make one.
class RealTap {
 public:
  explicit RealTap(const std::string& name) : fd_(open("/dev/net/tun", O_RDWR | O_CLOEXEC)) {
    ifreq request{};
    std::memcpy(request.ifr_name, name.data(), name.size());
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
    made_ = fd_ >= 0 && ioctl(fd_, TUNSETIFF, &request) == 0 && ioctl(fd_, TUNSETPERSIST, 1) == 0;
  }
  ~RealTap() { Release(); }
  bool made() const { return made_; }
  void Release() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  bool made_ = false;
};

TEST(Taps, LeftOver_RemovedOnlyWhenNobodyHoldsIt) {
  OneNetwork hypervisor;
  Networks networks(hypervisor);
  model::NicRequest nic;
  nic.port_id = Uuid::Random();
  EXPECT_TRUE(networks.Remove(nic).ok());  // nothing there
  const std::string name = "tap" + nic.port_id.str().substr(0, 11);
  RealTap tap(name);
  if (!tap.made()) GTEST_SKIP() << "no taps may be made here";
  EXPECT_TRUE(HasReason(networks.Remove(nic), reason::kNetworkInUse));
  EXPECT_NE(if_nametoindex(name.c_str()), 0U);
  tap.Release();
  const Status removed = networks.Remove(nic);
  EXPECT_TRUE(removed.ok()) << Describe(removed);
  EXPECT_EQ(if_nametoindex(name.c_str()), 0U);
  EXPECT_TRUE(networks.Remove(nic).ok());
}

}  // namespace
}  // namespace kilonova::agent::adapters::network
