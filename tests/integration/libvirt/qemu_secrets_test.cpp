// SPDX-License-Identifier: Apache-2.0
// What libvirt and swtpm keep beside a guest: firmware variables, TPM state, passphrases.
#include "tests/integration/libvirt/qemu_fixture.h"

namespace kilonova::testing {
namespace {

// What libvirt and swtpm keep beside a definition goes with it, also in the middle of things.
TEST_F(QemuTest, Undefine_WithFirmwareAndTpm_LeavesNothing) {
  const Uuid uuid = Uuid::Random();
  made_.push_back(uuid);
  const std::string xml =
      "<domain type='qemu'><name>efi</name><uuid>" + uuid.str() +
      "</uuid><metadata><kilonova:owner xmlns:kilonova='" +
      std::string(agent::core::kOwnerTagNamespace) + "' host='" + kHost +
      "' generation='1' claim=''/></metadata><memory unit='MiB'>64</memory><vcpu>1</vcpu><os>"
      "<type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='pflash'>"
      "/usr/share/OVMF/OVMF_CODE_4M.fd</loader><nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/>"
      "</os><features><acpi/></features><devices><tpm model='tpm-crb'>"
      "<backend type='emulator' version='2.0'/></tpm></devices></domain>";
  const auto left = [&] {
    const auto found = libvirtd_->Inside({"sh", "-c",
                                          "find /var/lib/libvirt/qemu/nvram /var/lib/libvirt/swtpm "
                                          "-mindepth 1 2>/dev/null || true"});
    return found.ok() ? *found : Describe(found.status());
  };
  for (int round = 0; round < 2; ++round) {
    const Status defined = hypervisor_->Define(xml);
    ASSERT_TRUE(defined.ok()) << Describe(defined);
    const Status started = hypervisor_->Start(uuid);
    ASSERT_TRUE(started.ok()) << Describe(started);
    EXPECT_NE(left().find("efi_VARS.fd"), std::string::npos) << left();
    EXPECT_NE(left().find(uuid.str()), std::string::npos) << left();
    EXPECT_TRUE(hypervisor_->Define(xml).ok());  // a hard reboot does so
    ASSERT_TRUE(hypervisor_->Destroy(uuid).ok());
    ASSERT_TRUE(hypervisor_->Undefine(uuid).ok());
    EXPECT_EQ(left(), "");
  }
}

// A TPM's state is opened by the passphrase it was made with, which libvirt has only when told.
TEST_F(QemuTest, TpmSecret_OpensItsTpmAndIsForgotten) {
  const Uuid uuid = Uuid::Random();
  const std::string xml =
      "<domain type='qemu'><name>kn-sealed</name><uuid>" + uuid.str() +
      "</uuid><metadata><kilonova:owner xmlns:kilonova='" +
      std::string(agent::core::kOwnerTagNamespace) + "' host='" + kHost +
      "' generation='1' claim=''/></metadata><memory unit='MiB'>64</memory><vcpu>1</vcpu><os>"
      "<type arch='x86_64' machine='q35'>hvm</type></os><devices><tpm model='tpm-crb'><backend "
      "type='emulator' version='2.0'><encryption secret='" +
      uuid.str() + "'/></backend></tpm></devices></domain>";
  const auto listed = [&] {
    return libvirtd_->Inside({"virsh", "-q", "-c", libvirtd_->uri(), "secret-list"}).value_or("?");
  };
  ASSERT_TRUE(hypervisor_->Define(xml).ok());
  EXPECT_FALSE(hypervisor_->Start(uuid).ok()) << "libvirt was told no passphrase";
  EXPECT_TRUE(hypervisor_->ForgetTpmSecret(uuid).ok()) << "there is none";
  const std::string passphrase(512, 'p');
  for (int i = 0; i < 2; ++i) {
    const Status set = hypervisor_->SetTpmSecret(uuid, passphrase);
    ASSERT_TRUE(set.ok()) << Describe(set);
  }
  EXPECT_NE(listed().find(uuid.str()), std::string::npos);
  EXPECT_NE(listed().find("vtpm"), std::string::npos);
  const auto value =
      libvirtd_->Inside({"virsh", "-q", "-c", libvirtd_->uri(), "secret-get-value", uuid.str()});
  EXPECT_FALSE(value.ok()) << "it is private";
  const Status started = hypervisor_->Start(uuid);
  ASSERT_TRUE(started.ok()) << Describe(started);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hypervisor_->ForgetTpmSecret(uuid).ok());
  EXPECT_EQ(listed(), "");
  ASSERT_TRUE(hypervisor_->Destroy(uuid).ok());
  ASSERT_TRUE(hypervisor_->SetTpmSecret(uuid, std::string(512, 'q')).ok());
  EXPECT_FALSE(hypervisor_->Start(uuid).ok()) << "another passphrase";
  ASSERT_TRUE(hypervisor_->SetTpmSecret(uuid, passphrase).ok());
  EXPECT_TRUE(hypervisor_->Start(uuid).ok());
  ASSERT_TRUE(hypervisor_->Destroy(uuid).ok());
  ASSERT_TRUE(hypervisor_->Undefine(uuid).ok());
  ASSERT_TRUE(hypervisor_->ForgetTpmSecret(uuid).ok());
  EXPECT_EQ(listed(), "");
}

}  // namespace
}  // namespace kilonova::testing
