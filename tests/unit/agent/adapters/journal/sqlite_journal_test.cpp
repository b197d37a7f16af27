// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/journal/sqlite_journal.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

#include "common/base/failpoint.h"
#include "tests/support/fake_journal.h"
#include "tests/support/journal_contract.h"

namespace kilonova::agent::adapters::journal {
namespace {

namespace fs = std::filesystem;
using core::AcceptResult;
using core::JournalEntry;

class SqliteJournalTest : public ::testing::Test {
 protected:
  SqliteJournalTest() {
    std::string name = (fs::temp_directory_path() / "kilonova-journal-XXXXXX").string();
    dir_ = mkdtemp(name.data());
    options_ = {dir_ / "journal.db", dir_ / "journal.reserve", 1 << 20};
  }
  ~SqliteJournalTest() override { fs::remove_all(dir_); }

  std::unique_ptr<SqliteJournal> MustOpen() {
    auto journal = SqliteJournal::Open(options_, SystemClock());
    EXPECT_TRUE(journal.ok()) << Describe(journal.status());
    return journal.ok() ? *std::move(journal) : nullptr;
  }
  static JournalEntry MakeEntry(int n) {
    JournalEntry entry;
    entry.unique_id = "id" + std::to_string(n);
    entry.method = "build_and_run_instance";
    entry.instance_uuid = Uuid::Random();
    entry.generation = 1;
    entry.body = std::string(1000, 'x');
    return entry;
  }

  fs::path dir_;
  JournalOptions options_;
};

TEST_F(SqliteJournalTest, MeetsTheContract) {
  kilonova::testing::CheckJournalContract(*MustOpen());
}

TEST(FakeJournal, MeetsTheContract) {
  kilonova::testing::FakeJournal journal;
  kilonova::testing::CheckJournalContract(journal);
}

TEST_F(SqliteJournalTest, OutlivesItsProcessAndKeepsItsId) {
  std::string id;
  {
    const auto journal = MustOpen();
    id = journal->JournalId();
    JournalEntry entry = MakeEntry(1);
    ASSERT_TRUE(journal->Accept(entry).ok());
  }
  const auto journal = MustOpen();
  EXPECT_EQ(journal->JournalId(), id);
  EXPECT_EQ(journal->Unfinished()->size(), 1u);
}

TEST_F(SqliteJournalTest, FilesAreItsOwnersAlone) {
  const mode_t before = umask(0);
  const auto journal = MustOpen();
  JournalEntry entry = MakeEntry(1);
  ASSERT_TRUE(journal->Accept(entry).ok());
  umask(before);
  for (const char* name : {"journal.db", "journal.db-wal", "journal.db-shm", "journal.reserve"}) {
    struct stat info = {};
    ASSERT_EQ(stat((dir_ / name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(SqliteJournalTest, DamagedFileIsRefused) {
  {
    const auto journal = MustOpen();
    for (int i = 0; i < 50; ++i) {
      JournalEntry entry = MakeEntry(i);
      ASSERT_TRUE(journal->Accept(entry).ok());
    }
  }
  {
    std::fstream file(options_.file, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8192);
    file << std::string(20000, '\xff');
  }
  const auto journal = SqliteJournal::Open(options_, SystemClock());
  ASSERT_FALSE(journal.ok());
  EXPECT_EQ(ReasonOf(journal.status()), "JOURNAL_FAILED");
}

TEST_F(SqliteJournalTest, NewerSchemaIsRefused) {
  MustOpen();
  SQLite::Database(options_.file.string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
  EXPECT_FALSE(SqliteJournal::Open(options_, SystemClock()).ok());
}

TEST_F(SqliteJournalTest, DamagedRowIsSetAsideWhileOthersGoOn) {
  {
    const auto journal = MustOpen();
    for (int i = 0; i < 2; ++i) {
      JournalEntry entry = MakeEntry(i);
      ASSERT_TRUE(journal->Accept(entry).ok());
    }
  }
  SQLite::Database(options_.file.string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE entries SET instance = 'no uuid' WHERE unique_id = 'id0'");
  const auto journal = MustOpen();
  ASSERT_EQ(journal->Unfinished()->size(), 1u);
  EXPECT_EQ(journal->Unfinished()->front().unique_id, "id1");
  SQLite::Database raw(options_.file.string(), SQLite::OPEN_READONLY);
  EXPECT_THAT(raw.execAndGet("SELECT quarantine FROM entries WHERE unique_id = 'id0'").getString(),
              ::testing::Not(::testing::IsEmpty()));
}

TEST_F(SqliteJournalTest, ManyWritersShareCommitsAndLoseNothing) {
  const auto journal = MustOpen();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        JournalEntry entry = MakeEntry(t * 100 + i);
        ASSERT_EQ(*journal->Accept(entry), AcceptResult::kNew);
        ASSERT_EQ(*journal->MarkRunning(entry.id), 1);
        core::Journal::Completion end;
        end.entry_id = entry.id;
        end.report = model::StateReport{};
        end.report->instance_uuid = entry.instance_uuid;
        ASSERT_TRUE(journal->Complete(end).ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto reports = journal->PendingReports(0, 1000);
  ASSERT_EQ(reports->size(), 200u);
  for (std::size_t i = 0; i < reports->size(); ++i) {
    EXPECT_EQ((*reports)[i].seq, static_cast<std::int64_t>(i) + 1);  // no gaps
  }
}

TEST_F(SqliteJournalTest, PruneForgetsOnlyWhatEndedLongAgo) {
  const auto journal = MustOpen();
  JournalEntry done = MakeEntry(1), open = MakeEntry(2);
  ASSERT_TRUE(journal->Accept(done).ok());
  ASSERT_TRUE(journal->Accept(open).ok());
  core::Journal::Completion end;
  end.entry_id = done.id;
  end.remove = done.instance_uuid;
  end.tombstone_generation = 1;
  end.report = model::StateReport{};
  end.report->instance_uuid = done.instance_uuid;
  ASSERT_TRUE(journal->Complete(end).ok());
  const WallTime later = SystemClock().Now() + std::chrono::hours(1);
  ASSERT_TRUE(journal->Prune(SystemClock().Now() - std::chrono::hours(1)).ok());
  EXPECT_EQ(*journal->Accept(done), AcceptResult::kDuplicate);
  ASSERT_TRUE(journal->Prune(later).ok());  // its report is not acknowledged: it stays
  EXPECT_EQ(*journal->Accept(done), AcceptResult::kDuplicate);
  ASSERT_TRUE(journal->AckReports(1).ok());
  ASSERT_TRUE(journal->Prune(later).ok());
  EXPECT_EQ(*journal->Accept(done), AcceptResult::kNew);  // the tombstone went as well
  EXPECT_EQ(journal->Unfinished()->size(), 2u);
}

TEST_F(SqliteJournalTest, ProgressThatWasHeard_LeavesNothingBehind) {
  const auto journal = MustOpen();
  JournalEntry entry = MakeEntry(1);
  ASSERT_TRUE(journal->Accept(entry).ok());
  core::Journal::Completion step;
  step.entry_id = entry.id;
  step.state = core::EntryState::kRunning;
  step.report = model::StateReport{};
  step.report->instance_uuid = entry.instance_uuid;
  for (std::int64_t seq = 1; seq <= 3; ++seq) {
    ASSERT_TRUE(journal->Complete(step).ok());
    ASSERT_TRUE(journal->AckReports(seq).ok());  // heard before the next step is said
  }
  step.state = core::EntryState::kDone;
  ASSERT_TRUE(journal->Complete(step).ok());
  ASSERT_TRUE(journal->AckReports(4).ok());
  SQLite::Database db(options_.file.string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM reports").getInt(), 1);  // the last word
  ASSERT_TRUE(journal->Prune(SystemClock().Now() + std::chrono::hours(1)).ok());
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM reports").getInt(), 0);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM entries").getInt(), 0);
}

TEST_F(SqliteJournalTest, ReserveThatWasGivenUpComesBack) {
  const auto journal = MustOpen();
  EXPECT_TRUE(journal->CheckHealth().reserve_whole);
  fs::remove(options_.reserve);
  EXPECT_FALSE(journal->CheckHealth().reserve_whole);
  ASSERT_TRUE(journal->Prune(WallTime{}).ok());
  EXPECT_TRUE(journal->CheckHealth().reserve_whole);
}

// Re-executes this program as a child that dies at `failpoint`; see DISABLED_Child.
int RunChild(const fs::path& dir, const std::string& failpoint) {
  const pid_t pid = fork();
  if (pid == 0) {
    setenv("KILONOVA_FAILPOINTS", failpoint.c_str(), 1);
    setenv("JOURNAL_TEST_DIR", dir.c_str(), 1);
    execl("/proc/self/exe", "child", "--gtest_also_run_disabled_tests",
          "--gtest_filter=SqliteJournalChild.DISABLED_Child", nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

TEST(SqliteJournalChild, DISABLED_Child) {
  const char* dir = std::getenv("JOURNAL_TEST_DIR");
  ASSERT_NE(dir, nullptr);
  const auto journal = SqliteJournal::Open({fs::path(dir) / "journal.db", "", 0}, SystemClock());
  ASSERT_TRUE(journal.ok());
  JournalEntry entry;
  entry.unique_id = "child";
  entry.method = "build_and_run_instance";
  entry.instance_uuid = Uuid::Random();
  entry.generation = 1;
  ASSERT_TRUE((*journal)->Accept(entry).ok());
  core::Journal::Completion end;
  end.entry_id = entry.id;
  end.report = model::StateReport{};
  end.report->instance_uuid = entry.instance_uuid;
  ASSERT_TRUE((*journal)->Complete(end).ok());
}

TEST_F(SqliteJournalTest, KilledAroundACommitItHoldsAllOfItOrNothing) {
  if (!kFailpointsCompiledIn) GTEST_SKIP() << "no failpoints in this build";
  struct Case {
    const char* failpoint;
    std::size_t entries, reports;
  };
  for (const Case& c : {Case{"agent.journal.accept.before=kill", 0, 0},
                        Case{"agent.journal.accept.after=kill", 1, 0},
                        Case{"agent.journal.complete.before=kill", 1, 0},
                        Case{"agent.journal.complete.after=kill", 0, 1}}) {
    const fs::path dir = dir_ / c.failpoint;
    fs::create_directory(dir);
    const int status = RunChild(dir, c.failpoint);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << c.failpoint;
    const auto journal = SqliteJournal::Open({dir / "journal.db", "", 0}, SystemClock());
    ASSERT_TRUE(journal.ok()) << c.failpoint;
    EXPECT_EQ((*journal)->Unfinished()->size(), c.entries) << c.failpoint;
    EXPECT_EQ((*journal)->PendingReports(0, 10)->size(), c.reports) << c.failpoint;
  }
}

}  // namespace
}  // namespace kilonova::agent::adapters::journal
