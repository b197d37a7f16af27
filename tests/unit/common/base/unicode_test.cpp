// SPDX-License-Identifier: Apache-2.0
#include "common/base/unicode.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace kilonova {
namespace {

using std::string_view_literals::operator""sv;

std::vector<std::int32_t> Points(std::string_view text) {
  std::vector<std::int32_t> points;
  for (std::size_t at = 0; at < text.size();) points.push_back(NextCodePoint(text, at));
  return points;
}

TEST(Unicode, ReadsEveryLength) {
  EXPECT_THAT(Points("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\0"sv),
              testing::ElementsAre('a', 0xE9, 0x20AC, 0x1F600, 0));
  EXPECT_EQ(CodePoints("a\xC3\xA9\xF0\x9F\x98\x80"), 3U);
}

TEST(Unicode, RefusesWhatIsNotUtf8ByteForByte) {
  constexpr std::int32_t kNo = kNotUtf8;
  EXPECT_THAT(Points("\x80z"), testing::ElementsAre(kNo, 'z'));
  EXPECT_THAT(Points("\xC0\x80"), testing::ElementsAre(kNo, kNo));           // overlong
  EXPECT_THAT(Points("\xE0\x80\x80"), testing::ElementsAre(kNo, kNo, kNo));  // overlong
  EXPECT_THAT(Points("\xED\xA0\x80"), testing::ElementsAre(kNo, kNo, kNo));  // surrogate
  EXPECT_THAT(Points("\xF4\x90\x80\x80"), testing::ElementsAre(kNo, kNo, kNo, kNo));
  EXPECT_THAT(Points("\xE2\x82"), testing::ElementsAre(kNo, kNo));  // cut
  EXPECT_FALSE(IsUtf8("ok\xFF"));
  EXPECT_TRUE(IsUtf8(""));
}

TEST(Unicode, KnowsCharactersAsPythonDoes) {
  EXPECT_EQ(DecimalDigit('7'), 7);
  EXPECT_EQ(DecimalDigit(0x0663), 3);
  EXPECT_EQ(DecimalDigit(0x1A93), 3);   // two runs stand close together
  EXPECT_EQ(DecimalDigit(0x1D7FF), 9);  // five runs make one
  EXPECT_EQ(DecimalDigit(0xB2), std::nullopt);
  EXPECT_TRUE(IsWord(0xB2));
  EXPECT_TRUE(IsWord('_'));
  EXPECT_FALSE(IsWord(0x300));
  EXPECT_FALSE(IsWord(kNotUtf8));
  EXPECT_TRUE(IsSpace(0x1C));
  EXPECT_TRUE(IsSpace(0x3000));
  EXPECT_FALSE(IsSpace(0x200B));
  EXPECT_TRUE(IsNamePrintable(0xA0));
  EXPECT_TRUE(IsNameSpace(0xA0));
  EXPECT_FALSE(IsNamePrintable('\n'));
  EXPECT_FALSE(IsNamePrintable(0x2028));
  EXPECT_FALSE(IsNamePrintable(0x1F600));  // printable, but beyond what Nova looks at
}

}  // namespace
}  // namespace kilonova
