// SPDX-License-Identifier: Apache-2.0
// Full and failing disks, made with SQLite's own page limit and with a read-only connection.
#include "agent/adapters/journal/writer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace kilonova::agent::adapters::journal {
namespace {

namespace fs = std::filesystem;

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() {
    std::string name = (fs::temp_directory_path() / "kilonova-writer-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  ~WriterTest() override { fs::remove_all(dir_); }

  SQLite::Database Make() {
    SQLite::Database db((dir_ / "db").string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec("CREATE TABLE IF NOT EXISTS t (x)");
    return db;
  }

  fs::path dir_;
};

TEST_F(WriterTest, GivesUpTheReserveOnceWhenTheDiskIsFull) {
  auto db = Make();
  db.exec("PRAGMA max_page_count = 3");
  const Reserve reserve(dir_ / "reserve", 4096);
  ASSERT_TRUE(reserve.Fill());
  Writer writer(std::move(db), reserve);
  int runs = 0;
  // The first try meets the limit; the second, with the reserve gone, has room.
  const Status status = writer.Run([&](SQLite::Database& inner) {
    if (++runs == 2) inner.exec("PRAGMA max_page_count = 1000");
    inner.exec("INSERT INTO t VALUES (zeroblob(50000))");
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(reserve.Whole());
  EXPECT_FALSE(writer.Failed());
}

TEST_F(WriterTest, WithoutAReserveFullIsFinal) {
  auto db = Make();
  db.exec("PRAGMA max_page_count = 3");
  Writer writer(std::move(db), Reserve("", 0));
  int runs = 0;
  const auto too_much = [&](SQLite::Database& inner) {
    ++runs;
    inner.exec("INSERT INTO t VALUES (zeroblob(50000))");
  };
  EXPECT_EQ(ReasonOf(writer.Run(too_much)), "JOURNAL_FAILED");
  EXPECT_EQ(ReasonOf(writer.Run(too_much)), "JOURNAL_FAILED");
  EXPECT_EQ(runs, 1);  // after a failure nothing is tried again
  EXPECT_TRUE(writer.Failed());
}

TEST_F(WriterTest, AnyOtherFailureIsFinalAndKeepsTheReserve) {
  Make();
  const Reserve reserve(dir_ / "reserve", 4096);
  ASSERT_TRUE(reserve.Fill());
  Writer writer(SQLite::Database((dir_ / "db").string(), SQLite::OPEN_READONLY), reserve);
  const auto write = [](SQLite::Database& inner) { inner.exec("INSERT INTO t VALUES (1)"); };
  EXPECT_FALSE(writer.Run(write).ok());
  EXPECT_TRUE(writer.Failed());
  EXPECT_TRUE(reserve.Whole());
}

}  // namespace
}  // namespace kilonova::agent::adapters::journal
