// SPDX-License-Identifier: Apache-2.0
// What a guest needs of its host beside disks and networks: the passphrase of its TPM and the TCP
// ports of its serial consoles, over every change in its life.
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "agent/core/serial_ports.h"
#include "agent/core/tpm_secret.h"
#include "tests/support/agent_harness.h"

namespace kilonova::testing {
namespace {

using agent::core::CanListen;
using agent::core::HostClaims;
using agent::core::SerialConsoles;
using agent::core::SerialConsoleSettings;
using agent::core::TakeSerialPorts;
using model::Outcome;
using model::VmState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// An address of the loopback network that is this process's alone: other tests that run beside it,
// and clients whose ports the kernel chooses, use 127.0.0.1.
const std::string& OwnAddress() {
  static const std::string address =
      absl::StrCat("127.", 1 + getpid() % 250, ".", getpid() / 250 % 250, ".", 1);
  return address;
}

// Listens on a port of its own choice of that address, as somebody else's program would.
class Listener {
 public:
  explicit Listener(int first) {
    for (port_ = first;; ++port_) {
      fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      inet_pton(AF_INET, OwnAddress().c_str(), &address.sin_addr);
      address.sin_port = htons(static_cast<std::uint16_t>(port_));
      if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
          listen(fd_, 1) == 0) {
        return;
      }
      close(fd_);
    }
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { close(fd_); }
  int port() const { return port_; }

 private:
  int fd_ = -1, port_ = 0;
};

constexpr int kFirst = 22'000;  // below what the kernel gives out by itself, to all addresses too

TEST(SerialPorts, LowestThatNobodyHas) {
  const Listener other(kFirst);
  SerialConsoleSettings settings;
  settings.proxyclient_address = OwnAddress();
  settings.first_port = other.port();
  settings.end_port = other.port() + 100;
  HostClaims claims;
  const auto one = TakeSerialPorts(settings, claims, NthUuid(1), 2);
  ASSERT_TRUE(one.ok());
  ASSERT_EQ(one->size(), 2u);
  EXPECT_GT((*one)[0], other.port());
  EXPECT_EQ(*TakeSerialPorts(settings, claims, NthUuid(1), 2), *one) << "asked again it keeps them";
  const auto two = TakeSerialPorts(settings, claims, NthUuid(2), 1);
  EXPECT_GT((*two)[0], (*one)[1]);
  EXPECT_EQ(TakeSerialPorts(settings, claims, NthUuid(1), 1)->size(), 1u) << "what is too many";
  claims.Release(NthUuid(1));
  EXPECT_EQ(*TakeSerialPorts(settings, claims, NthUuid(3), 2), *one);
  EXPECT_TRUE(TakeSerialPorts(settings, claims, NthUuid(4), 0)->empty());
}

TEST(SerialPorts, RangeRunsOut) {
  const Listener other(kFirst + 200);
  SerialConsoleSettings settings;
  settings.proxyclient_address = OwnAddress();
  settings.first_port = other.port();
  settings.end_port = other.port() + 1;
  HostClaims claims;
  const auto none = TakeSerialPorts(settings, claims, NthUuid(1), 1);
  EXPECT_TRUE(HasReason(none.status(), reason::kHostResourcesExhausted));
  settings.first_port = other.port() + 300;
  settings.end_port = settings.first_port + 3;
  ASSERT_TRUE(TakeSerialPorts(settings, claims, NthUuid(1), 2).ok());
  EXPECT_FALSE(TakeSerialPorts(settings, claims, NthUuid(2), 2).ok());
  EXPECT_TRUE(claims.PortsOf(NthUuid(2)).empty()) << "nothing half taken stays";
  EXPECT_TRUE(TakeSerialPorts(settings, claims, NthUuid(3), 1).ok());
  settings.proxyclient_address = "192.0.2.1";  // of nobody
  EXPECT_FALSE(TakeSerialPorts(settings, claims, NthUuid(4), 1).ok());
  EXPECT_FALSE(CanListen("console.example", kFirst));
  EXPECT_TRUE(CanListen(OwnAddress(), settings.first_port));
}

TEST(SerialPorts, ConsolesAreSaidByOrdinal) {
  SerialConsoleSettings settings;
  EXPECT_TRUE(SerialConsoles(settings, {10'001, 10'000}).empty()) << "off by default";
  settings.enabled = true;
  EXPECT_THAT(SerialConsoles(settings, {10'001, 10'000}),
              ElementsAre("127.0.0.1:10001", "127.0.0.1:10000"));
  settings.proxyclient_address = "fd00::1";
  EXPECT_THAT(SerialConsoles(settings, {7}), ElementsAre("[fd00::1]:7"));
  EXPECT_TRUE(SerialConsoles(settings, {}).empty());
}

class Devices : public AgentHarness {
 protected:
  Devices() {
    model::Flavor flavor = TinyFlavor();
    flavor.extra_specs = {{"hw:tpm_version", "2.0"}, {"hw:serial_port_count", "2"}};
    control_plane_.AddTemplate(flavor);
    settings_.serial_console.proxyclient_address = OwnAddress();
    settings_.serial_console.first_port = kFirst + 1000;
    settings_.serial_console.end_port = kFirst + 1100;
  }
  void Build(int n, const std::string& suffix = "devices") {
    Send("build", n, 1, suffix + std::to_string(n));
    Settle();
  }
  std::filesystem::path SecretFile(int n) { return settings_.paths.TpmSecret(NthUuid(n)); }
  std::vector<int> PortsOf(int n) {
    return Record(n).value_or(agent::core::InstanceRecord{}).serial_ports;
  }
  std::string KeyOf(int n) { return hypervisor_.TpmKey(NthUuid(n)); }
  std::string Known(int n) { return hypervisor_.TpmSecret(NthUuid(n)); }
};

TEST_F(Devices, ConsoleSaysWhereTheSerialPortsAre) {
  settings_.serial_console.enabled = true;
  Boot();
  Build(1);
  const auto ports = PortsOf(1);
  ASSERT_EQ(ports.size(), 2u);
  EXPECT_THAT(agent_->Console(NthUuid(1), 1)->serial_consoles,
              ElementsAre(OwnAddress() + ":" + std::to_string(ports[0]),
                          OwnAddress() + ":" + std::to_string(ports[1])));
  settings_.serial_console.enabled = false;
  Restart();
  EXPECT_THAT(agent_->Console(NthUuid(1), 1)->serial_consoles, IsEmpty());
}

TEST_F(Devices, TpmSecretIsMadeOnceAndInLibvirtOnlyWhileTheGuestStarts) {
  Boot();
  Build(1);
  ASSERT_EQ(LastReport(1).vm_state, VmState::kActive);
  const std::string key = KeyOf(1);
  EXPECT_EQ(key.size(), 512u) << "384 bytes in Base64";
  EXPECT_EQ(Known(1), "");
  struct stat info = {};
  ASSERT_EQ(stat(SecretFile(1).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  Send("stop", 1);
  Settle();
  Restart();
  Send("start", 1);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive)
      << "the same passphrase, or it would not start";
  Send("reboot_hard", 1);
  Settle();
  EXPECT_EQ(LastReport(1).outcome, Outcome::kDone);
  EXPECT_EQ(KeyOf(1), key);
  EXPECT_EQ(Known(1), "");
  Build(2);
  EXPECT_NE(KeyOf(2), key);
  Send("terminate", 1);
  Settle();
  EXPECT_FALSE(std::filesystem::exists(SecretFile(1)));
  control_plane_.AddTemplate(TinyFlavor());
  Build(3, "plain");
  EXPECT_FALSE(std::filesystem::exists(SecretFile(3)));
}

TEST_F(Devices, TpmSecretGoesWithABuildThatFails) {
  Boot();
  hypervisor_.Fail("start", Error(Code::kFailedPrecondition, reason::kHypervisorRefused, "no"));
  Build(1);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kError);
  EXPECT_EQ(Known(1), "");
  EXPECT_FALSE(DirExists(1));
}

TEST_F(Devices, TpmSecretThatCouldNotBeForgottenGoesWithTheGuest) {
  Boot();
  hypervisor_.Fail("forget_tpm_secret", Error(Code::kInternal, reason::kHypervisorRefused, "no"));
  Build(1);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_NE(Known(1), "");
  Send("terminate", 1);
  Settle();
  EXPECT_EQ(Known(1), "");
}

TEST_F(Devices, TpmSecretThatIsDamagedIsSaid) {
  Boot();
  Build(1);
  Send("stop", 1);
  Settle();
  std::ofstream(SecretFile(1), std::ios::trunc) << "";
  Send("start", 1);
  Settle();
  EXPECT_EQ(LastReport(1).outcome, Outcome::kFailed);
  EXPECT_THAT(LastReport(1).fault->message, HasSubstr("TPM"));
  EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
}

TEST_F(Devices, SerialPortsAreTheGuestsOverRestartsUntilItGoes) {
  Boot();
  Build(1);
  Build(2);
  const auto first = PortsOf(1);
  const auto second = PortsOf(2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_THAT(hypervisor_.Xml(NthUuid(1)), HasSubstr("port='" + std::to_string(first[1]) + "'"));
  for (const int port : second) EXPECT_THAT(first, Not(::testing::Contains(port)));
  Restart();
  Send("reboot_hard", 2);
  Settle();
  EXPECT_EQ(PortsOf(2), second);
  Build(3);
  for (const int port : PortsOf(3)) {
    EXPECT_THAT(first, Not(::testing::Contains(port)));
    EXPECT_THAT(second, Not(::testing::Contains(port)));
  }
  Send("terminate", 1);
  Settle();
  Build(4);
  EXPECT_EQ(PortsOf(4), first);
}

TEST_F(Devices, SerialPortTakenWhileTheGuestWasOffIsReplaced) {
  Boot();
  Build(1);
  const auto before = PortsOf(1);
  Send("stop", 1);
  Settle();
  const Listener other(before[0]);
  ASSERT_EQ(other.port(), before[0]);
  Send("start", 1);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  const auto after = PortsOf(1);
  ASSERT_EQ(after.size(), 2u);
  EXPECT_THAT(after, Not(::testing::Contains(before[0])));
  EXPECT_THAT(hypervisor_.Xml(NthUuid(1)), HasSubstr("port='" + std::to_string(after[0]) + "'"));
}

TEST_F(Devices, SerialPortThatCannotBeReplacedStaysTheGuests) {
  settings_.serial_console.end_port = settings_.serial_console.first_port + 2;
  Boot();
  Build(1);
  const auto before = PortsOf(1);
  ASSERT_EQ(before.size(), 2u);
  Send("stop", 1);
  Settle();
  {
    const Listener other(before[0]);
    Send("start", 1);
    Settle();
    EXPECT_EQ(LastReport(1).fault->reason, "HOST_RESOURCES_EXHAUSTED");
    EXPECT_EQ(LastReport(1).vm_state, VmState::kStopped);
    EXPECT_EQ(PortsOf(1), before);
  }
  Send("start", 1, 1, "again");
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_EQ(PortsOf(1), before);
}

// As when the agent dies between the record and the definition.
TEST_F(Devices, SerialPortsOfTheDefinitionFollowTheRecord) {
  Boot();
  Build(1);
  Send("stop", 1);
  Settle();
  auto record = *Record(1);
  record.serial_ports = {settings_.serial_console.first_port + 50,
                         settings_.serial_console.first_port + 51};
  agent::core::Journal::Completion other;
  other.upsert = record;
  ASSERT_TRUE(journal_.Complete(other).ok());
  Restart();
  Send("start", 1);
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_THAT(hypervisor_.Xml(NthUuid(1)),
              HasSubstr("port='" + std::to_string(record.serial_ports[0]) + "'"));
}

TEST_F(Devices, SerialPortsRunOut) {
  settings_.serial_console.end_port = settings_.serial_console.first_port + 3;
  Boot();
  Build(1);
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  Build(2);
  EXPECT_EQ(LastReport(2).fault->reason, "HOST_RESOURCES_EXHAUSTED");
  EXPECT_TRUE(LastReport(2).fault->retryable);
  EXPECT_FALSE(DirExists(2));
  Send("terminate", 1);
  Settle();
  Build(3);
  EXPECT_EQ(LastReport(3).vm_state, VmState::kActive);
}

// A build whose guest was started before the agent died keeps what it was given.
TEST_F(Devices, AdoptedBuildKeepsWhatItWasGiven) {
  Boot();
  control_plane_.SetUnknown(NthUuid(1), true);
  Send("build", 1, 1, "devices");
  Until([&] { return hypervisor_.Has(NthUuid(1)); }, "the guest to be defined");
  const auto ports = PortsOf(1);
  ASSERT_EQ(ports.size(), 2u);
  agent_->Drain(std::chrono::steady_clock::now());
  // As if it had died after the start.
  ASSERT_TRUE(hypervisor_.SetTpmSecret(NthUuid(1), "left behind").ok());
  ASSERT_TRUE(hypervisor_.Start(NthUuid(1)).ok());
  control_plane_.SetUnknown(NthUuid(1), false);
  Restart();
  Settle();
  EXPECT_EQ(LastReport(1).vm_state, VmState::kActive);
  EXPECT_EQ(PortsOf(1), ports);
  EXPECT_EQ(Record(1)->resources.at("MEMORY_MB"), 512);
  EXPECT_EQ(Known(1), "");
}

}  // namespace
}  // namespace kilonova::testing
