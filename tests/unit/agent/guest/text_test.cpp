// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/text.h"

#include <gtest/gtest.h>

namespace kilonova::agent::guest {
namespace {

TEST(Text, Printable_ReplacesWhatXmlCannotHold) {
  EXPECT_EQ(Printable("h\xC3\xA9llo"), "h\xC3\xA9llo");
  EXPECT_EQ(Printable("a\nb"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(Printable("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(Printable("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));
  EXPECT_TRUE(IsUtf8("\xF0\x9F\x92\xA5"));
}

TEST(Text, Base64_BothWays) {
  for (const std::string& text : {std::string(), std::string("a"), std::string("ab"),
                                  std::string("abc"), std::string("\0\xFF\x80", 3)}) {
    EXPECT_EQ(DecodeBase64(EncodeBase64(text)), text);
  }
  EXPECT_EQ(DecodeBase64("aGVs\nbG8="), "hello");
  for (const char* bad : {"a", "aGVsbG8", "aGVs*G8=", "=aGV", "aG=s"}) {
    EXPECT_FALSE(DecodeBase64(bad)) << bad;
  }
}

}  // namespace
}  // namespace kilonova::agent::guest
