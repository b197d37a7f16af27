// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <gtest/gtest.h>

namespace kilonova::cli {
namespace {

TEST(Table, PadsByWhatATerminalShows) {
  Table table({"NAME", "STATE"});
  table.Add({"größe", "ACTIVE"});
  table.Add({"a", ""});
  EXPECT_EQ(table.Text(), "NAME   STATE\ngröße  ACTIVE\na\n");
}

TEST(Table, HostileNamesCannotDriveTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[2J\n\tb\x7f"), "a?[2J??b?");
  EXPECT_EQ(Printable("c1\xC2\x9B"
                      "31m"),
            "c1?31m");
  EXPECT_EQ(Printable("ok é 漢"), "ok é 漢");
}

TEST(KeyValues, LeavesOutWhatIsEmpty) {
  EXPECT_EQ(KeyValues({{"name", "x"}, {"a long key", ""}, {"host", "h"}}), "name  x\nhost  h\n");
}

}  // namespace
}  // namespace kilonova::cli
