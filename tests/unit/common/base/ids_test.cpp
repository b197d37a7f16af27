// SPDX-License-Identifier: Apache-2.0
#include "common/base/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace kilonova {
namespace {

TEST(Uuid, Parse_TakesTheCanonicalFormOnly) {
  EXPECT_TRUE(Uuid::Parse("f127ea73-45ad-47cb-a6b1-fb297be92db8").ok());
  for (const char* bad :
       {"", "F127ea73-45ad-47cb-a6b1-fb297be92db8", "f127ea73-45ad-47cb-a6b1-fb297be92db",
        "f127ea7345ad47cba6b1fb297be92db8", "f127ea73-45ad-47cb-a6b1-fb297be92dbg",
        "f127ea73_45ad-47cb-a6b1-fb297be92db8", "../../../../../etc/passwd-0123456789ab"}) {
    EXPECT_FALSE(Uuid::Parse(bad).ok()) << bad;
  }
}

TEST(Uuid, Random_IsVersion4AndDoesNotRepeat) {
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid id = Uuid::Random();
    EXPECT_TRUE(Uuid::Parse(id.str()).ok());
    EXPECT_EQ(id.str()[14], '4');
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(HostName, OnlyWhatMayNameAQueue) {
  EXPECT_TRUE(IsValidHostName("compute-1.rack_2"));
  for (const char* bad : {"", ".x", "-x", "a b", "a/b", "a#", "a*"}) {
    EXPECT_FALSE(IsValidHostName(bad)) << bad;
  }
  EXPECT_FALSE(IsValidHostName(std::string(256, 'a')));
}

}  // namespace
}  // namespace kilonova
