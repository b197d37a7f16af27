// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/utf8.h"

#include <gtest/gtest.h>

namespace kilonova::grpc {
namespace {

TEST(Utf8, Valid_IsRecognised) {
  for (const char* text : {"", "plain", "caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x92\xA9",
                           "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, Wrong_IsRefused) {
  for (const char* text : {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\xAF", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xFF", "a\xC3", "\xE2\x82"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, Clean_ReplacesEachWrongByteAndCutsBetweenCharacters) {
  EXPECT_EQ(CleanUtf8("a\xFF\xC3\xA9\xC3", 100), "a?\xC3\xA9?");
  EXPECT_EQ(CleanUtf8("ab\xC3\xA9", 3), "ab");
  EXPECT_EQ(CleanUtf8("ab\xC3\xA9", 4), "ab\xC3\xA9");
  EXPECT_EQ(CleanUtf8("\xFF\xFF\xFF", 2), "??");
}

}  // namespace
}  // namespace kilonova::grpc
