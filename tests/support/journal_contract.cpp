// SPDX-License-Identifier: Apache-2.0
#include "tests/support/journal_contract.h"

#include <gtest/gtest.h>

namespace kilonova::testing {
namespace {

using agent::core::AcceptResult;
using agent::core::EntryState;
using agent::core::InstanceRecord;
using agent::core::Journal;
using agent::core::JournalEntry;

Uuid Instance() { return *Uuid::Parse("00000000-0000-4000-8000-0000000000aa"); }

JournalEntry MakeEntry(const std::string& id, std::int64_t generation,
                       const std::string& method = "build_and_run_instance") {
  JournalEntry entry;
  entry.unique_id = id;
  entry.request_id = "req-" + id;
  entry.method = method;
  entry.instance_uuid = Instance();
  entry.generation = generation;
  entry.digest = "digest-" + id;
  entry.body = "{\"body\": \"" + id + "\"}";
  return entry;
}

InstanceRecord MakeRecord() {
  InstanceRecord record;
  record.uuid = Instance();
  record.instance_id = 42;
  record.generation = 1;
  record.claim_id = *Uuid::Parse("00000000-0000-4000-8000-0000000000bb");
  record.resources = {{"VCPU", 2}, {"MEMORY_MB", 512}};
  record.vm_state = model::VmState::kActive;
  record.power_state = model::PowerState::kRunning;
  record.build_body = "the body";
  hardware::InstanceNumaCell cell;
  cell.id = 1;
  cell.pcpuset = {0, 1};
  cell.memory = 512;
  cell.pagesize = 2048;
  cell.cpu_policy = hardware::CpuPolicy::kDedicated;
  cell.cpu_thread_policy = hardware::CpuThreadPolicy::kIsolate;
  cell.cpu_pinning = {{0, 6}, {1, 4}};
  cell.cpuset_reserved = {7};
  record.numa = hardware::InstanceNumaTopology{{cell}, hardware::EmulatorThreadsPolicy::kIsolate};
  record.serial_ports = {10000, 65535};
  record.pci_devices = {"0000:05:00.1", "0000:81:00.0"};
  record.mdevs = {{Uuid::Random(), "pci_0000_06_00_0", "nvidia-35"},
                  {Uuid::Random(), "pci_0000_06_00_0", "i915-GVTg_V5_4"}};
  record.launched = true;
  record.undo_pending = true;
  return record;
}

model::StateReport MakeReport() {
  model::StateReport report;
  report.instance_uuid = Instance();
  report.generation = 1;
  report.request_id = "req-a";
  report.operation = "build";
  report.outcome = model::Outcome::kFailed;
  report.vm_state = model::VmState::kError;
  report.task_state = model::TaskState::kSpawning;
  report.power_state = model::PowerState::kCrashed;
  report.fault = model::Fault{"HOST_DISK_FULL", "it's \"full\"\n\xc3\xa9", true};
  report.launched_at = FromMicros(1'700'000'000'123'456);
  report.timings = {{"image", std::chrono::microseconds(1500)}, {"disk", {}}};
  report.at = FromMicros(1'700'000'001'000'000);
  return report;
}

// Two starts are behind it.
void CheckStarts(Journal& journal, std::int64_t id) {
  EXPECT_TRUE(journal.Settle(id).ok());  // long at work: this one is no death by it
  auto starts = journal.MarkRunning(id);
  EXPECT_EQ(starts->counted, 2);
  EXPECT_EQ(starts->all, 3);
  EXPECT_EQ(starts->reached, 0);
  EXPECT_TRUE(journal.Advance(id, 4).ok());  // further than ever: only this start counts
  starts = journal.MarkRunning(id);
  EXPECT_EQ(starts->counted, 2);
  EXPECT_EQ(starts->all, 2);
  EXPECT_EQ(starts->reached, 4);
  EXPECT_TRUE(journal.Advance(id, 4).ok());
  EXPECT_TRUE(journal.Advance(id, 3).ok());
  starts = journal.MarkRunning(id);
  EXPECT_EQ(starts->counted, 3);
  EXPECT_EQ(starts->reached, 4);
  Journal::Completion progress;
  progress.entry_id = id;
  progress.state = EntryState::kRunning;
  progress.reached = 5;
  EXPECT_TRUE(journal.Complete(progress).ok());
  EXPECT_EQ(journal.MarkRunning(id)->counted, 2);
}

void CheckAcceptance(Journal& journal) {
  JournalEntry entry = MakeEntry("a", 1);
  EXPECT_EQ(*journal.Accept(entry), AcceptResult::kNew);
  EXPECT_GT(entry.id, 0);
  JournalEntry again = MakeEntry("a", 1);
  EXPECT_EQ(*journal.Accept(again), AcceptResult::kDuplicate);
  again.digest = "another";
  EXPECT_EQ(*journal.Accept(again), AcceptResult::kConflict);
  const auto open = journal.Unfinished();
  ASSERT_EQ(open->size(), 1u);
  EXPECT_EQ(open->front().unique_id, "a");
  EXPECT_EQ(open->front().body, "");
  EXPECT_EQ(journal.Entry(entry.id)->body, MakeEntry("a", 1).body);
  EXPECT_FALSE(journal.Entry(entry.id + 1000).ok());

  EXPECT_EQ(journal.MarkRunning(entry.id)->counted, 1);
  EXPECT_TRUE(journal.Checkpoint(entry.id).ok());
  EXPECT_EQ(journal.MarkRunning(entry.id)->counted, 1);  // set aside in good order: not counted
  EXPECT_EQ(journal.MarkRunning(entry.id)->counted, 2);
  CheckStarts(journal, entry.id);
  EXPECT_EQ(journal.Unfinished()->front().state, EntryState::kRunning);
}

void CheckCompletion(Journal& journal) {
  const std::int64_t id = journal.Unfinished()->front().id;
  Journal::Completion progress;
  progress.entry_id = id;
  progress.state = EntryState::kRunning;
  progress.upsert = MakeRecord();
  progress.report = MakeReport();
  ASSERT_TRUE(journal.Complete(progress).ok());
  EXPECT_EQ(journal.Unfinished()->size(), 1u);
  const auto record = journal.Instance(Instance());
  ASSERT_TRUE(record->has_value());
  EXPECT_EQ((*record)->claim_id, MakeRecord().claim_id);
  EXPECT_EQ((*record)->resources, MakeRecord().resources);
  EXPECT_EQ((*record)->build_body, "the body");
  EXPECT_EQ((*record)->numa, MakeRecord().numa);
  EXPECT_EQ((*record)->serial_ports, MakeRecord().serial_ports);
  EXPECT_EQ((*record)->pci_devices, MakeRecord().pci_devices);
  EXPECT_TRUE((*record)->launched);
  EXPECT_TRUE((*record)->undo_pending);
  EXPECT_EQ((*record)->instance_id, 42);
  ASSERT_EQ(journal.Instances()->size(), 1u);
  EXPECT_EQ(journal.Instances()->front().build_body, "");
  EXPECT_EQ(journal.Instances()->front().numa, MakeRecord().numa);
  EXPECT_EQ(journal.Instances()->front().serial_ports, MakeRecord().serial_ports);
  EXPECT_EQ(journal.Instances()->front().power_state, model::PowerState::kRunning);

  Journal::Completion end = progress;
  end.state = EntryState::kDone;
  end.upsert.reset();
  ASSERT_TRUE(journal.Complete(end).ok());
  EXPECT_TRUE(journal.Unfinished()->empty());
  EXPECT_TRUE(journal.Instance(Instance())->has_value());
}

void CheckReports(Journal& journal) {
  const auto reports = journal.PendingReports(0, 10);
  ASSERT_EQ(reports->size(), 2u);
  auto expected = MakeReport();
  expected.seq = 1;
  EXPECT_EQ(reports->front(), expected);
  EXPECT_EQ(reports->back().seq, 2);
  EXPECT_EQ(journal.PendingReports(1, 10)->size(), 1u);
  EXPECT_EQ(journal.PendingReports(0, 1)->size(), 1u);

  ASSERT_TRUE(journal.RepeatReport("a").ok());  // it still waits: nothing to repeat
  EXPECT_EQ(journal.PendingReports(0, 10)->size(), 2u);
  ASSERT_TRUE(journal.AckReports(2).ok());
  EXPECT_TRUE(journal.PendingReports(0, 10)->empty());
  ASSERT_TRUE(journal.RepeatReport("a").ok());
  const auto repeated = journal.PendingReports(0, 10);
  ASSERT_EQ(repeated->size(), 1u);
  EXPECT_EQ(repeated->front().seq, 3);
  EXPECT_EQ(repeated->front().fault, MakeReport().fault);
  EXPECT_TRUE(journal.RepeatReport("never heard of").ok());
  ASSERT_TRUE(journal.AckReports(3).ok());
}

void CheckTombstones(Journal& journal) {
  JournalEntry terminate = MakeEntry("t", 3, "terminate_instance");
  ASSERT_EQ(*journal.Accept(terminate), AcceptResult::kNew);
  Journal::Completion end;
  end.entry_id = terminate.id;
  end.remove = Instance();
  end.tombstone_generation = 3;
  ASSERT_TRUE(journal.Complete(end).ok());
  EXPECT_FALSE(journal.Instance(Instance())->has_value());
  for (const std::int64_t generation : {1, 3}) {
    JournalEntry late = MakeEntry("late" + std::to_string(generation), generation);
    EXPECT_EQ(*journal.Accept(late), AcceptResult::kTombstone);
  }
  JournalEntry stop = MakeEntry("stop", 3, "stop_instance");
  EXPECT_EQ(*journal.Accept(stop), AcceptResult::kNew);
  JournalEntry later = MakeEntry("later", 4);
  EXPECT_EQ(*journal.Accept(later), AcceptResult::kNew);
  const auto open = journal.Unfinished();
  ASSERT_EQ(open->size(), 2u);
  EXPECT_LT(open->front().id, open->back().id);
  EXPECT_EQ(open->back().unique_id, "later");
}

}  // namespace

void CheckJournalContract(Journal& journal) {
  EXPECT_FALSE(journal.JournalId().empty());
  EXPECT_TRUE(journal.CheckHealth().writable);
  CheckAcceptance(journal);
  CheckCompletion(journal);
  CheckReports(journal);
  CheckTombstones(journal);
}

}  // namespace kilonova::testing
