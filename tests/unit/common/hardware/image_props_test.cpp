// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/image_props.h"

#include <gtest/gtest.h>

#include "common/hardware/errors.h"

namespace kilonova::hardware {
namespace {

using Texts = std::map<std::string, std::string>;

TEST(ImageProps, TypesWhatItKnows) {
  const auto props = ImageProps::From({{"hw_cpu_cores", " 4"},
                                       {"hw_pmu", "Yes"},
                                       {"hw_boot_menu", "perhaps"},
                                       {"hw_machine_type", "q35"},
                                       {"no_such_property", "x"}});
  ASSERT_TRUE(props.ok()) << props.status();
  EXPECT_EQ(props->Integer("hw_cpu_cores"), 4);
  EXPECT_EQ(props->Flag("hw_pmu"), true);
  EXPECT_EQ(props->Flag("hw_boot_menu"), false);
  EXPECT_EQ(props->Text("hw_machine_type"), "q35");
  EXPECT_EQ(props->Text("hw_disk_bus"), std::nullopt);
  EXPECT_EQ(props->Values().size(), 4U);
}

TEST(ImageProps, ReadsLegacyNamesBehindTheirSuccessors) {
  const auto old = ImageProps::From({{"architecture", "AMD64"}, {"vm_mode", "PV"}});
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(old->Text("hw_architecture"), "x86_64");
  EXPECT_EQ(old->Text("hw_vm_mode"), "xen");
  const auto version = ImageProps::From({{"hypervisor_version_requires", ">=7.0"}});
  EXPECT_EQ(version->Text("img_hv_requested_version"), ">=7.0");
  const auto both = ImageProps::From({{"architecture", "i686"}, {"hw_architecture", "aarch64"}});
  EXPECT_EQ(both->Text("hw_architecture"), "aarch64");
  const auto adapter = ImageProps::From({{"vmware_adaptertype", "lsiLogicsas"}});
  ASSERT_TRUE(adapter.ok()) << adapter.status();
  EXPECT_EQ(adapter->Text("hw_disk_bus"), "scsi");
  EXPECT_EQ(adapter->Text("hw_scsi_model"), "lsisas1068");
}

TEST(ImageProps, GathersNumaListsUpToTheFirstGap) {
  const auto props = ImageProps::From({{"hw_numa_cpus.0", "0-1"},
                                       {"hw_numa_cpus.1", "2,3"},
                                       {"hw_numa_cpus.3", "nonsense"},
                                       {"hw_numa_mem.0", "512"}});
  ASSERT_TRUE(props.ok()) << props.status();
  EXPECT_EQ(props->NumaCpus(), (std::vector<CpuSet>{{0, 1}, {2, 3}}));
  EXPECT_EQ(props->NumaMem(), (std::vector<std::int64_t>{512}));
  EXPECT_EQ(ImageProps::From({})->NumaCpus(), std::nullopt);
}

TEST(ImageProps, KeepsRequiredTraits) {
  const auto props = ImageProps::From({{"trait:CUSTOM_A", "required"}, {"trait:CUSTOM_B", "x"}});
  EXPECT_EQ(props->TraitsRequired(), std::vector<std::string>{"CUSTOM_A"});
}

TEST(ImageProps, NamesThePropertyItRefuses) {
  const struct {
    Texts texts;
    const char* exception;
    const char* field;
  } cases[] = {
      {{{"hw_cpu_cores", "x"}}, "ValueError", "properties.hw_cpu_cores"},
      {{{"hw_disk_bus", "SCSI"}}, "ValueError", "properties.hw_disk_bus"},
      {{{"hw_disk_bus", ""}}, "ValueError", "properties.hw_disk_bus"},
      {{{"architecture", "z80"}}, "ValueError", "properties.hw_architecture"},
      {{{"img_hv_requested_version", "6"}}, "ValueError", "properties.img_hv_requested_version"},
      {{{"hw_numa_mem.0", "1.5"}}, "ValueError", "properties.hw_numa_mem.0"},
      {{{"hw_numa_cpus.0", "3-1"}}, "Invalid", "properties.hw_numa_cpus.0"},
      // Of two faults the one that Nova meets first.
      {{{"hw_cpu_cores", "x"}, {"hw_vif_model", "x"}}, "ValueError", "properties.hw_cpu_cores"},
  };
  for (const auto& [texts, exception, field] : cases) {
    const auto props = ImageProps::From(texts);
    EXPECT_EQ(props.status().code(), Code::kInvalidArgument) << field;
    EXPECT_EQ(ReasonOf(props.status()), "IMAGE_INVALID") << field;
    EXPECT_EQ(NovaExceptionOf(props.status()), exception) << field;
    EXPECT_EQ(DetailsOf(props.status())["field"], field);
  }
}

TEST(CanonicalWord, KnowsEnumsOnly) {
  EXPECT_EQ(CanonicalWord("img_hv_type", "XAPI"), "xen");
  EXPECT_EQ(CanonicalWord("hw_vif_model", "VirtualE1000"), "e1000");
  EXPECT_EQ(CanonicalWord("hw_tpm_version", "2.0"), "2.0");
  for (const char* text : {"", "kvm qemu", "qemu ", "vz2"}) {
    EXPECT_EQ(CanonicalWord("img_hv_type", text), std::nullopt) << text;
  }
  EXPECT_EQ(CanonicalWord("hw_cpu_cores", "4"), std::nullopt);
  EXPECT_EQ(CanonicalWord("no_such_property", "x"), std::nullopt);
}

}  // namespace
}  // namespace kilonova::hardware
