// SPDX-License-Identifier: Apache-2.0
#include "flavors/extra_specs/value_form.h"

#include <gtest/gtest.h>

#include <string>

namespace kilonova::flavors::extra_specs {
namespace {

using std::string_view_literals::operator""sv;

void Expect(ValueForm form, std::initializer_list<std::string_view> good,
            std::initializer_list<std::string_view> bad) {
  for (const auto text : good) EXPECT_TRUE(HasForm(form, text)) << text;
  for (const auto text : bad) EXPECT_FALSE(HasForm(form, text)) << text;
}

TEST(ValueForm, CpuLists) {
  Expect(
      ValueForm::kCpuList,
      {"0", "0-3", "0-3,^2", "^0", "^0-1,3", "0-1-2", "1,2-3,^4-5", "\xD9\xA3"},
      {"", "^", "0-", "-1", "0,", ",0", "0,,1", "0-^1", "^^1", "0 ", "a", "0\n", "0-3,^", "\xFF"});
}

TEST(ValueForm, PageSizes) {
  Expect(ValueForm::kPageSize,
         {"large", "small", "any", "4", "2MB", "2M", "2Mi", "2MiB", "1Gb", "1Gbit", "2048kB", "3b",
          "3bit"},
         {"", "Large", "big", "MB", "2mB", "2 MB", "2MBs", "2ib", "2MiBB", "-1", "1.5GB", "2PB",
          "4\n"});
}

TEST(ValueForm, Labels) {
  Expect(ValueForm::kLabels, {"a", "4GB,SMALL", "a,", "_"},
         {"", ",", ",a", "a,,b", "a b", "a-b", "\xC3\xA9"});
}

TEST(ValueForm, PciAliases) {
  Expect(
      ValueForm::kPciAliases,
      {"a:1", "a:1,b:2", "a:1 ,\t b:2", "a b,c:1", "a:1,\n:2", "\n:1", "a:1, :2", "1,2:3"},
      {"", "a", "a:", ":1", "a:x", "a:1,", "a:1,b", "a:1,:2", "a:1b:2", "a:1 b:2", "a:1 ", "a::1"});
}

TEST(ValueForm, LongTextIsNoTrouble) {
  std::string cpus = "0";
  std::string aliases = "a:1";
  for (int i = 0; i < 200'000; ++i) {
    cpus += "-1,^2";
    aliases += ",b:2";
  }
  EXPECT_TRUE(HasForm(ValueForm::kCpuList, cpus));
  EXPECT_FALSE(HasForm(ValueForm::kCpuList, cpus + "x"));
  EXPECT_TRUE(HasForm(ValueForm::kPciAliases, aliases));
  EXPECT_TRUE(HasForm(ValueForm::kLabels, std::string(1'000'000, 'a')));
  EXPECT_FALSE(HasForm(ValueForm::kLabels, std::string(1'000'000, 'a') + "!"));
  EXPECT_FALSE(HasForm(ValueForm::kFree, "x"sv) == HasForm(ValueForm::kCpuList, "x"sv));
}

}  // namespace
}  // namespace kilonova::flavors::extra_specs
