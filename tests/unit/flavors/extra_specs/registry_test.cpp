// SPDX-License-Identifier: Apache-2.0
#include "flavors/extra_specs/registry.h"

#include <gmock/gmock.h>

namespace kilonova::flavors::extra_specs {
namespace {

using std::string_view_literals::operator""sv;

std::string NameOf(std::string_view key) {
  const ExtraSpec* spec = Find(key);
  return spec == nullptr ? "" : spec->name;
}

TEST(Registry, IsSortedAndEveryKeyIsExplained) {
  EXPECT_TRUE(std::ranges::is_sorted(All(), {}, &ExtraSpec::name));
  EXPECT_GT(All().size(), 400U);
  for (const ExtraSpec& spec : All()) {
    EXPECT_GT(spec.help.size(), 10U) << spec.name;
    EXPECT_TRUE(spec.help.ends_with('.')) << spec.name;
    EXPECT_FALSE(Allowed(spec).empty());
  }
}

TEST(Registry, FindsKeysWithParameters) {
  EXPECT_EQ(NameOf("hw:cpu_policy"), "hw:cpu_policy");
  EXPECT_EQ(NameOf("hw:numa_cpus.12"), "hw:numa_cpus.{num}");
  EXPECT_EQ(NameOf("hw:numa_cpus.\xD9\xA3"), "hw:numa_cpus.{num}");
  EXPECT_EQ(NameOf("hw:numa_cpusX0"), "hw:numa_cpus.{num}");  // a regex's dot, in Nova
  EXPECT_EQ(NameOf("hw:numa_cpus\n0"), "");
  EXPECT_EQ(NameOf("hw:numa_cpus."), "");
  EXPECT_EQ(NameOf("hw:numa_cpus.{num}"), "");
  EXPECT_EQ(NameOf("trait:HW_CPU_X86_AVX2"), "trait{group}:HW_CPU_X86_AVX2");
  EXPECT_EQ(NameOf("trait_net-1:CUSTOM_X"), "trait{group}:CUSTOM_{trait}");
  EXPECT_EQ(NameOf("trait:CUSTOM_"), "");
  EXPECT_EQ(NameOf("trait:CUSTOM_x"), "");
  EXPECT_EQ(NameOf("resources" + std::string(64, 'a') + ":VCPU"), "resources{group}:VCPU");
  EXPECT_EQ(NameOf("resources" + std::string(65, 'a') + ":VCPU"), "");
  EXPECT_EQ(NameOf("capabilities:cpu_info"), "capabilities:cpu_info{filter}");
  EXPECT_EQ(NameOf("capabilities:cpu_info:topology:cores"), "capabilities:cpu_info{filter}");
  EXPECT_EQ(NameOf("capabilities:cpu_info:\xC3\xA9"), "capabilities:cpu_info{filter}");
  EXPECT_EQ(NameOf("capabilities:cpu_info:"), "");
  EXPECT_EQ(NameOf("capabilities:cpu_info::x"), "");
  EXPECT_EQ(NameOf("aggregate_instance_extra_specs:a:b c"), "aggregate_instance_extra_specs:{key}");
  EXPECT_EQ(NameOf("aggregate_instance_extra_specs:"), "");
  EXPECT_EQ(NameOf("hw:cpu_policy\0"sv), "");
  EXPECT_EQ(NameOf(""), "");
}

TEST(Registry, StrangersPassOnlyOutsideItsNamespaces) {
  EXPECT_EQ(Judge("mine", "x").fault, Fault::kNone);
  EXPECT_EQ(Judge("mine:own", "x").fault, Fault::kNone);
  EXPECT_EQ(Judge("HW:cpu_policy", "x").fault, Fault::kNone);
  EXPECT_EQ(Judge("hw:mine", "x").fault, Fault::kUnknownKey);
  EXPECT_EQ(Judge("hw:", "x").fault, Fault::kUnknownKey);
  EXPECT_EQ(Judge("hw:cpu_policy:x", "x").fault, Fault::kUnknownKey);
  EXPECT_EQ(Judge("trait_a:NO_SUCH", "required").fault, Fault::kUnknownKey);
  EXPECT_EQ(Judge("trait" + std::string(65, 'a') + ":NO_SUCH", "x").fault, Fault::kNone);
  // A form's own name is no key, and no namespace's either.
  EXPECT_EQ(Judge("resources{group}:VCPU", "1").fault, Fault::kUnknownKey);
  EXPECT_EQ(Judge("resources{group}:OTHER", "1").fault, Fault::kNone);
}

TEST(Registry, RefusalsSayWhatIsAllowedAndWhatIsNear) {
  const auto refuse = [](std::string_view key, std::string_view value) {
    return Refusal(key, value, Judge(key, value));
  };
  EXPECT_EQ(Message(refuse("hw:cpu_policy", "dedicatd")),
            "extra spec hw:cpu_policy must be one of dedicated, shared, mixed, not 'dedicatd'");
  EXPECT_EQ(Message(refuse("os:monitors", "9")),
            "extra spec os:monitors must be a whole number, 1 to 8, not '9'");
  const Status unknown = refuse("hw:cpu_polcy", "dedicated");
  EXPECT_EQ(Message(unknown),
            "no extra spec is called 'hw:cpu_polcy'; did you mean 'hw:cpu_policy'?");
  EXPECT_EQ(DetailsOf(unknown)["field"], "extra_specs.hw:cpu_polcy");
  EXPECT_EQ(DetailsOf(unknown)["nearest"], "hw:cpu_policy");
  EXPECT_TRUE(HasReason(unknown, reason::kFlavorInvalid));
  // Hostile text stays short and harmless.
  const Status hostile = refuse("hw:\x1B[2J" + std::string(100000, 'x'), "");
  EXPECT_LT(Message(hostile).size(), 200U);
  EXPECT_EQ(Message(hostile).find('\x1B'), std::string::npos);
}

}  // namespace
}  // namespace kilonova::flavors::extra_specs
