// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "flavors/extra_specs/tables/tables.h"

namespace kilonova::flavors::extra_specs {
namespace {

constexpr std::array<std::string_view, 3> kCpuPolicies{"dedicated", "shared", "mixed"};
constexpr std::array<std::string_view, 3> kThreadPolicies{"prefer", "isolate", "require"};
constexpr std::array<std::string_view, 2> kEmulatorThreads{"isolate", "share"};
constexpr std::array<std::string_view, 4> kPciPolicies{"required", "preferred", "legacy", "socket"};
constexpr std::array<std::string_view, 2> kTpmModels{"tpm-tis", "tpm-crb"};
constexpr std::array<std::string_view, 2> kTpmVersions{"1.2", "2.0"};
constexpr std::array<std::string_view, 5> kWatchdog{"none", "pause", "poweroff", "reset",
                                                    "disabled"};
constexpr std::array<std::string_view, 4> kViommu{"intel", "smmuv3", "virtio", "auto"};
constexpr std::array<std::string_view, 3> kEncryption{"plain", "luks", "luksv2"};

constexpr std::array kRows{
    Row{.name = "hw:boot_menu",
        .value = {.type = ValueType::kBool},
        .help = "Whether firmware shows a boot menu.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:cpu_cores",
        .value = {.type = ValueType::kInt, .min = 1},
        .help = "Cores in each socket the guest sees.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:cpu_dedicated_mask",
        .value = {.form = ValueForm::kCpuList},
        .help = "Guest CPUs that get host CPUs of their own under the policy mixed.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:cpu_policy",
        .value = {.allowed = kCpuPolicies},
        .help = "Whether guest CPUs float over shared host CPUs, have host CPUs of their own, or "
                "some of each.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:cpu_realtime",
        .value = {.type = ValueType::kBool},
        .help = "Whether guest CPUs run with realtime priority.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:cpu_realtime_mask",
        .value = {.form = ValueForm::kCpuList},
        .help = "Guest CPUs that run with realtime priority; ^ leaves one out.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:cpu_sockets",
        .value = {.type = ValueType::kInt, .min = 1},
        .help = "Sockets the guest sees.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:cpu_thread_policy",
        .value = {.allowed = kThreadPolicies},
        .help = "Whether dedicated CPUs want hosts with hardware threads, shun their siblings, or "
                "insist on them.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:cpu_threads",
        .value = {.type = ValueType::kInt, .min = 1},
        .help = "Threads in each core the guest sees.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:emulator_threads_policy",
        .value = {.allowed = kEmulatorThreads},
        .help = "Whether QEMU's own threads get a host CPU of their own or one of a pool for such.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:ephemeral_encryption",
        .value = {.type = ValueType::kBool},
        .help = "Whether ephemeral disks are encrypted."},
    Row{.name = "hw:ephemeral_encryption_format",
        .value = {.allowed = kEncryption},
        .help = "How they are encrypted."},
    Row{.name = "hw:hide_hypervisor_id",
        .value = {.type = ValueType::kBool},
        .help = "Whether the guest is kept from seeing that it runs under KVM.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:locked_memory",
        .value = {.type = ValueType::kBool},
        .help = "Whether guest memory is locked and never swapped out, as some device DMA needs.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:max_cpu_cores",
        .value = {.type = ValueType::kInt, .min = 1},
        .help = "Most cores in a socket an image may ask for.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:max_cpu_sockets",
        .value = {.type = ValueType::kInt, .min = 1},
        .help = "Most sockets an image may ask for.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:max_cpu_threads",
        .value = {.type = ValueType::kInt, .min = 1},
        .help = "Most threads in a core an image may ask for.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:mem_encryption",
        .value = {.type = ValueType::kBool},
        .help = "Whether guest memory is encrypted (AMD SEV).",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:mem_page_size",
        .value = {.form = ValueForm::kPageSize},
        .help = "Size of the host pages that back guest memory: large, small, any, or a size such "
                "as 2MB.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:numa_cpus.{num}",
        .value = {.form = ValueForm::kCpuList},
        .help = "Guest CPUs of the guest NUMA node of this number.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:numa_mem.{num}",
        .value = {.type = ValueType::kInt, .min = 1},
        .help = "MiB of memory of the guest NUMA node of this number.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:numa_nodes",
        .value = {.type = ValueType::kInt, .min = 1},
        .help = "NUMA nodes the guest sees, each on a host NUMA node of its own.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:pci_numa_affinity_policy",
        .value = {.allowed = kPciPolicies},
        .help = "How near a PCI device must be to the host NUMA nodes of the guest's CPUs.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:pmem",
        .value = {.form = ValueForm::kLabels},
        .help = "Labels of the persistent memory devices the guest gets, with commas.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:pmu",
        .value = {.type = ValueType::kBool},
        .help =
            "Whether the guest has performance counters (vPMU); left out, the hypervisor decides.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:serial_port_count",
        .value = {.type = ValueType::kInt, .min = 0},
        .help = "Serial ports the guest has.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:tpm_model",
        .value = {.allowed = kTpmModels},
        .help = "Model of the guest's TPM device.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:tpm_version",
        .value = {.allowed = kTpmVersions},
        .help = "TPM version; asks for a TPM.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:vif_multiqueue_enabled",
        .value = {.type = ValueType::kBool},
        .help = "Whether virtio interfaces get a queue for each guest CPU.",
        .driver = Driver::kLibvirt},
    Row{.name = "hw:viommu_model",
        .value = {.allowed = kViommu},
        .help = "Model of the guest's IOMMU."},
    Row{.name = "hw:watchdog_action",
        .value = {.allowed = kWatchdog},
        .help = "What happens when the guest stops feeding its watchdog; disabled: it has none.",
        .driver = Driver::kLibvirt},
};

}  // namespace

Table HwTable() { return {.rows = kRows}; }

}  // namespace kilonova::flavors::extra_specs
