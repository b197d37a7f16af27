// SPDX-License-Identifier: Apache-2.0
// The words of each enum among an image's properties, and what Nova takes for them.
#include <algorithm>
#include <array>

#include "common/hardware/image_prop_types.h"

namespace kilonova::hardware {
namespace {

enum class Letters { kExact, kAnyCase };

struct Enum {
  PropertyType type;
  Letters letters;
  std::string_view words;         // between spaces
  std::string_view aliases = {};  // pairs of alias and word
};

using T = PropertyType;

constexpr std::array kEnums = {
    Enum{
        T::kArchitecture, Letters::kAnyCase,
        "alpha armv6 armv7l armv7b aarch64 cris i686 ia64 lm32 m68k microblaze microblazeel mips "
        "mipsel mips64 mips64el openrisc parisc parisc64 ppc ppcle ppc64 ppc64le ppcemb s390 s390x "
        "sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb",
        "i386 i686 i486 i686 i586 i686 x86_32 i686 x86_32p i686 amd64 x86_64"},
    Enum{T::kDiskBus, Letters::kExact, "fdc ide sata scsi usb virtio xen lxc uml"},
    Enum{T::kBlockDevice, Letters::kExact, "cdrom disk floppy fs lun"},
    Enum{T::kCpuPolicy, Letters::kExact, "dedicated shared mixed"},
    Enum{T::kCpuThreadPolicy, Letters::kExact, "prefer isolate require"},
    Enum{T::kFirmware, Letters::kExact, "uefi bios"},
    Enum{T::kInputBus, Letters::kExact, "usb virtio"},
    Enum{T::kPciNumaPolicy, Letters::kExact, "required legacy preferred socket"},
    Enum{T::kPointer, Letters::kExact, "usbtablet"},
    Enum{T::kRng, Letters::kExact, "virtio"},
    Enum{T::kScsi, Letters::kAnyCase,
         "buslogic ibmvscsi lsilogic lsisas1068 lsisas1078 virtio-scsi vmpvscsi",
         "lsilogicsas lsisas1068 paravirtual vmpvscsi"},
    Enum{T::kVideo, Letters::kExact, "cirrus qxl vga vmvga xen virtio gop none bochs"},
    Enum{T::kVif, Letters::kAnyCase,
         "virtio ne2k_pci pcnet rtl8139 e1000 e1000e netfront spapr-vlan lan9118 sriov vmxnet "
         "vmxnet3",
         "virtuale1000 e1000 virtuale1000e e1000e virtualpcnet32 pcnet virtualsriovethernetcard "
         "sriov virtualvmxnet vmxnet virtualvmxnet3 vmxnet3"},
    Enum{T::kViommu, Letters::kExact, "intel smmuv3 virtio auto"},
    Enum{T::kVmMode, Letters::kAnyCase, "hvm xen uml exe", "pv xen hv hvm baremetal hvm"},
    Enum{T::kWatchdog, Letters::kExact, "none pause poweroff reset disabled"},
    Enum{T::kTpmModel, Letters::kExact, "tpm-tis tpm-crb"},
    Enum{T::kTpmVersion, Letters::kExact, "1.2 2.0"},
    Enum{T::kDiskEncryption, Letters::kExact, "plain luks luksv2"},
    Enum{T::kHypervisor, Letters::kAnyCase,
         "baremetal bhyve docker fake hyperv ironic kqemu kvm lxc lxd openvz parallels phyp qemu "
         "test uml vbox vz vmware xen zvm prsm",
         "xapi xen"},
    Enum{T::kConfigDrive, Letters::kExact, "optional mandatory"},
    Enum{T::kSignatureHash, Letters::kExact, "SHA-224 SHA-256 SHA-384 SHA-512"},
    Enum{T::kSignatureKey, Letters::kExact,
         "DSA ECC_SECP384R1 ECC_SECP521R1 ECC_SECT409K1 ECC_SECT409R1 ECC_SECT571K1 ECC_SECT571R1 "
         "RSA-PSS"},
    Enum{T::kSecureBoot, Letters::kExact, "required disabled optional"},
    Enum{T::kOs, Letters::kAnyCase, "linux windows"},
};

std::string_view TakeWord(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

}  // namespace

std::optional<std::string> EnumWord(PropertyType type, std::string_view text) {
  const auto* known = std::ranges::find(kEnums, type, &Enum::type);
  if (known == kEnums.end()) return std::nullopt;
  std::string word(text);
  if (known->letters == Letters::kAnyCase) {
    for (char& c : word) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  for (std::string_view rest = known->aliases; !rest.empty();) {
    const std::string_view alias = TakeWord(rest);
    const std::string_view meant = TakeWord(rest);
    if (word != alias) continue;
    word = meant;
    break;
  }
  for (std::string_view rest = known->words; !rest.empty();) {
    if (TakeWord(rest) == word) return word;
  }
  return std::nullopt;
}

}  // namespace kilonova::hardware
