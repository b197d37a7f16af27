// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/journal/sqlite_journal.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "agent/adapters/journal/rows.h"
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

constexpr const char* kVersion1 = R"(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (id INTEGER PRIMARY KEY AUTOINCREMENT, unique_id TEXT NOT NULL UNIQUE,
  request_id TEXT NOT NULL, method TEXT NOT NULL, instance TEXT NOT NULL,
  generation INTEGER NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL, state INTEGER NOT NULL,
  starts INTEGER NOT NULL DEFAULT 0, accepted_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL DEFAULT 0, last_seq INTEGER NOT NULL DEFAULT 0, quarantine TEXT);
CREATE INDEX entries_open ON entries (id) WHERE state < 2;
CREATE INDEX entries_ended ON entries (ended_at) WHERE state >= 2;
CREATE TABLE instances (uuid TEXT PRIMARY KEY, instance_id INTEGER NOT NULL,
  generation INTEGER NOT NULL, claim_id TEXT NOT NULL, resources TEXT NOT NULL,
  vm_state TEXT NOT NULL, power_state INTEGER NOT NULL, build_body TEXT NOT NULL, quarantine TEXT);
CREATE TABLE tombstones (instance TEXT PRIMARY KEY, generation INTEGER NOT NULL,
  at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE reports (seq INTEGER PRIMARY KEY AUTOINCREMENT, entry_id INTEGER NOT NULL,
  acked INTEGER NOT NULL DEFAULT 0, instance TEXT NOT NULL, generation INTEGER NOT NULL,
  request_id TEXT NOT NULL, operation TEXT NOT NULL, outcome INTEGER NOT NULL,
  vm_state TEXT NOT NULL, task_state TEXT NOT NULL, power_state INTEGER NOT NULL,
  fault_reason TEXT, fault_message TEXT, fault_retryable INTEGER, launched_at INTEGER,
  timings TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX reports_unacked ON reports (seq) WHERE acked = 0;
INSERT INTO meta VALUES ('journal_id', 'the-old-one');
INSERT INTO entries VALUES (1, 'u', 'r', 'build_and_run_instance',
  '00000000-0000-4000-8000-000000000001', 1, 'd', 'b', 1, 2, 0, 0, 0, NULL);
INSERT INTO instances VALUES ('00000000-0000-4000-8000-000000000001', 1, 1, '', 'VCPU=1', 'active',
  1, '{"method": "m", "args": {"admin_password": "hunter2", "size": 12345678901234567}}', NULL);
INSERT INTO instances VALUES ('00000000-0000-4000-8000-000000000002', 2, 1, '', 'VCPU=1',
  'building', 0, 'no JSON', NULL);
PRAGMA user_version = 1;
)";

TEST_F(SqliteJournalTest, Version1IsTakenOverWithoutItsPasswords) {
  {
    SQLite::Database db(options_.file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec(kVersion1);
  }
  const auto journal = MustOpen();
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(journal->JournalId(), "the-old-one");
  const auto active = journal->Instance(*Uuid::Parse("00000000-0000-4000-8000-000000000001"));
  ASSERT_TRUE(active.ok() && active->has_value());
  EXPECT_TRUE((*active)->launched);
  EXPECT_TRUE((*active)->serial_ports.empty());
  EXPECT_TRUE((*active)->pci_devices.empty());
  EXPECT_EQ((*active)->build_body,
            R"({"method":"m","args":{"admin_password":null,"size":12345678901234567}})");
  const auto building = journal->Instance(*Uuid::Parse("00000000-0000-4000-8000-000000000002"));
  EXPECT_FALSE((*building)->launched);
  EXPECT_EQ((*building)->build_body, "no JSON");
  const auto starts = journal->MarkRunning(1);
  EXPECT_EQ(starts->counted, 3);
  EXPECT_EQ(starts->all, 3);
}

// A journal of an older version has fewer columns.
TEST_F(SqliteJournalTest, OlderVersionsAreTakenOver) {
  // What each version brought, and the one before it had not.
  const std::map<int, const char*> brought = {{3, "serial_ports"}, {4, "pci"}, {5, "mdevs"}};
  const Uuid uuid = *Uuid::Parse("00000000-0000-4000-8000-000000000001");
  for (int version = 2; version <= 4; ++version) {
    {
      const auto journal = MustOpen();
      core::Journal::Completion made;
      made.upsert = core::InstanceRecord{};
      made.upsert->uuid = uuid;
      made.upsert->instance_id = 7;
      made.upsert->serial_ports = {10000};
      made.upsert->pci_devices = {"0000:05:00.0"};
      made.upsert->mdevs = {{uuid, "pci_0000_06_00_0", "nvidia-35"}};
      ASSERT_TRUE(journal->Complete(made).ok());
    }
    {
      SQLite::Database db(options_.file.string(), SQLite::OPEN_READWRITE);
      for (const auto& [since, column] : brought) {
        if (since > version) db.exec(std::string("ALTER TABLE instances DROP COLUMN ") + column);
      }
      db.exec("PRAGMA user_version = " + std::to_string(version));
    }
    const auto journal = MustOpen();
    ASSERT_NE(journal, nullptr) << version;
    const auto record = journal->Instance(uuid);
    ASSERT_TRUE(record.ok() && record->has_value()) << version;
    EXPECT_EQ((*record)->instance_id, 7);
    EXPECT_EQ((*record)->serial_ports.empty(), version < 3);
    EXPECT_EQ((*record)->pci_devices.empty(), version < 4);
    EXPECT_TRUE((*record)->mdevs.empty());
  }
}

TEST_F(SqliteJournalTest, ADamagedListOfMediatedDevicesIsNoList) {
  const auto mdevs = ReadMdevs(
      "00000000-0000-4000-8000-000000000001/pci_0000_06_00_0/a "
      "00000000-0000-4000-8000-000000000002/p/b/c");
  ASSERT_TRUE(mdevs.ok());
  EXPECT_EQ((*mdevs)[1].type, "b/c");
  EXPECT_EQ(*ReadMdevs(WriteMdevs(*mdevs)), *mdevs);
  for (const char* text : {"x", "/", "a/b/c", "00000000-0000-4000-8000-000000000001",
                           "00000000-0000-4000-8000-000000000001/p"}) {
    EXPECT_EQ(ReasonOf(ReadMdevs(text).status()), "JOURNAL_FAILED") << text;
  }
}

TEST_F(SqliteJournalTest, PasswordOfABuildThatEndedIsInNoFile) {
  const auto journal = MustOpen();
  JournalEntry entry = MakeEntry(1);
  entry.body = std::string(5000, 'a') + "hunter2" + std::string(5000, 'b');
  ASSERT_TRUE(journal->Accept(entry).ok());
  const auto holds_it = [&] {
    for (const char* name : {"journal.db", "journal.db-wal"}) {
      std::ifstream file(dir_ / name, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (bytes.find("hunter2") != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(holds_it());
  core::Journal::Completion end;
  end.entry_id = entry.id;
  ASSERT_TRUE(journal->Complete(end).ok());
  ASSERT_TRUE(journal->Prune(SystemClock().Now() - std::chrono::hours(24)).ok());
  // The log is folded in by the journal's thread; a further write comes behind it.
  JournalEntry other = MakeEntry(2);
  ASSERT_TRUE(journal->Accept(other).ok());
  ASSERT_TRUE(journal->Accept(other).ok());
  EXPECT_FALSE(holds_it());
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
        ASSERT_EQ(journal->MarkRunning(entry.id)->counted, 1);
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
