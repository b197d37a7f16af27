// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/journal/rows.h"

#include <charconv>

#include "agent/adapters/journal/numa_text.h"

namespace kilonova::agent::adapters::journal {
namespace {

Status BadRow(std::string_view what) {
  return Error(Code::kDataLoss, reason::kJournalFailed, "a row of the journal is damaged",
               {{"field", std::string(what)}});
}

// Calls `each(name, number)` for every "name=number" of a list separated by blanks.
template <class Each>
Status ReadPairs(const std::string& text, Each each) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::size_t eq = text.find('=', begin);
    if (eq == std::string::npos || eq >= end || eq == begin) return BadRow("pair");
    std::int64_t number = 0;
    const char* last = text.data() + end;
    const auto parsed = std::from_chars(text.data() + eq + 1, last, number);
    if (parsed.ec != std::errc() || parsed.ptr != last) return BadRow("number");
    each(text.substr(begin, eq - begin), number);
    begin = end + 1;
  }
  return OkStatus();
}

template <class E>
Expected<E> InRange(std::int64_t number, E last, std::string_view what) {
  if (number < 0 || number > static_cast<std::int64_t>(last)) return BadRow(what);
  return static_cast<E>(number);
}

Expected<model::PowerState> ReadPower(std::int64_t number) {
  const auto power = model::PowerStateFrom(static_cast<int>(number));
  if (!power) return BadRow("power_state");
  return *power;
}

}  // namespace

std::string WriteResources(const model::Resources& resources) {
  std::string text;
  for (const auto& [name, amount] : resources) {
    text += (text.empty() ? "" : " ") + name + "=" + std::to_string(amount);
  }
  return text;
}

Expected<model::Resources> ReadResources(const std::string& text) {
  model::Resources resources;
  RETURN_IF_ERROR(ReadPairs(
      text, [&](std::string name, std::int64_t amount) { resources[std::move(name)] = amount; }));
  return resources;
}

std::string WriteWords(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> ReadWords(const std::string& text) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::string WriteMdevs(const std::vector<hardware::Mdev>& mdevs) {
  std::vector<std::string> words;
  words.reserve(mdevs.size());
  for (const hardware::Mdev& mdev : mdevs) {
    words.push_back(mdev.uuid.str() + "/" + mdev.parent + "/" + mdev.type);
  }
  return WriteWords(words);
}

Expected<std::vector<hardware::Mdev>> ReadMdevs(const std::string& text) {
  std::vector<hardware::Mdev> mdevs;
  for (const std::string& word : ReadWords(text)) {
    const std::size_t parent = word.find('/');
    const std::size_t type = parent == std::string::npos ? parent : word.find('/', parent + 1);
    auto uuid = Uuid::Parse(word.substr(0, parent));
    if (type == std::string::npos || !uuid.ok()) return BadRow("mdevs");
    mdevs.push_back(
        {*std::move(uuid), word.substr(parent + 1, type - parent - 1), word.substr(type + 1)});
  }
  return mdevs;
}

std::string WriteTimings(const std::vector<model::StepTiming>& timings) {
  std::string text;
  for (const model::StepTiming& timing : timings) {
    text += (text.empty() ? "" : " ") + timing.step + "=" + std::to_string(timing.took.count());
  }
  return text;
}

Expected<std::vector<model::StepTiming>> ReadTimings(const std::string& text) {
  std::vector<model::StepTiming> timings;
  RETURN_IF_ERROR(ReadPairs(text, [&](std::string step, std::int64_t micros) {
    timings.push_back({std::move(step), std::chrono::microseconds(micros)});
  }));
  return timings;
}

std::string WritePorts(const std::vector<int>& ports) {
  std::string text;
  for (const int port : ports) text += (text.empty() ? "" : " ") + std::to_string(port);
  return text;
}

Expected<std::vector<int>> ReadPorts(const std::string& text) {
  std::vector<int> ports;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    int port = 0;
    const auto parsed = std::from_chars(at, end, port);
    if (parsed.ec != std::errc() || port < 1 || port > 65'535) return BadRow("serial_ports");
    ports.push_back(port);
    at = parsed.ptr;
    if (at != end && *at++ != ' ') return BadRow("serial_ports");
  }
  return ports;
}

Expected<core::JournalEntry> ReadEntry(SQLite::Statement& row) {
  core::JournalEntry entry;
  entry.id = row.getColumn(0).getInt64();
  entry.unique_id = row.getColumn(1).getString();
  entry.request_id = row.getColumn(2).getString();
  entry.method = row.getColumn(3).getString();
  ASSIGN_OR_RETURN(entry.instance_uuid, Uuid::Parse(row.getColumn(4).getString()));
  entry.generation = row.getColumn(5).getInt64();
  entry.digest = row.getColumn(6).getString();
  entry.body = row.getColumn(7).getString();
  ASSIGN_OR_RETURN(entry.state,
                   InRange(row.getColumn(8).getInt64(), core::EntryState::kFailed, "state"));
  entry.starts = row.getColumn(9).getInt64();
  return entry;
}

Expected<core::InstanceRecord> ReadInstance(SQLite::Statement& row) {
  core::InstanceRecord record;
  ASSIGN_OR_RETURN(record.uuid, Uuid::Parse(row.getColumn(0).getString()));
  record.instance_id = row.getColumn(1).getInt64();
  record.generation = row.getColumn(2).getInt64();
  if (const std::string claim = row.getColumn(3).getString(); !claim.empty()) {
    ASSIGN_OR_RETURN(record.claim_id, Uuid::Parse(claim));
  }
  ASSIGN_OR_RETURN(record.resources, ReadResources(row.getColumn(4).getString()));
  const auto vm_state = model::VmStateFrom(row.getColumn(5).getString());
  if (!vm_state) return BadRow("vm_state");
  record.vm_state = *vm_state;
  ASSIGN_OR_RETURN(record.power_state, ReadPower(row.getColumn(6).getInt64()));
  record.build_body = row.getColumn(7).getString();
  record.launched = row.getColumn(8).getInt() != 0;
  record.undo_pending = row.getColumn(9).getInt() != 0;
  ASSIGN_OR_RETURN(record.numa, ReadNuma(row.getColumn(10).getString()));
  ASSIGN_OR_RETURN(record.serial_ports, ReadPorts(row.getColumn(11).getString()));
  record.pci_devices = ReadWords(row.getColumn(12).getString());
  ASSIGN_OR_RETURN(record.mdevs, ReadMdevs(row.getColumn(13).getString()));
  return record;
}

Expected<model::StateReport> ReadReport(SQLite::Statement& row) {
  model::StateReport report;
  report.seq = row.getColumn(0).getInt64();
  ASSIGN_OR_RETURN(report.instance_uuid, Uuid::Parse(row.getColumn(1).getString()));
  report.generation = row.getColumn(2).getInt64();
  report.request_id = row.getColumn(3).getString();
  report.operation = row.getColumn(4).getString();
  ASSIGN_OR_RETURN(report.outcome,
                   InRange(row.getColumn(5).getInt64(), model::Outcome::kObserved, "outcome"));
  const auto vm_state = model::VmStateFrom(row.getColumn(6).getString());
  const auto task_state = model::TaskStateFrom(row.getColumn(7).getString());
  if (!vm_state || !task_state) return BadRow("state");
  report.vm_state = *vm_state;
  report.task_state = *task_state;
  ASSIGN_OR_RETURN(report.power_state, ReadPower(row.getColumn(8).getInt64()));
  if (!row.getColumn(9).isNull()) {
    report.fault = model::Fault{row.getColumn(9).getString(), row.getColumn(10).getString(),
                                row.getColumn(11).getInt() != 0};
  }
  if (!row.getColumn(12).isNull()) report.launched_at = FromMicros(row.getColumn(12).getInt64());
  ASSIGN_OR_RETURN(report.timings, ReadTimings(row.getColumn(13).getString()));
  report.at = FromMicros(row.getColumn(14).getInt64());
  return report;
}

void BindReport(SQLite::Statement& statement, int first, const model::StateReport& report) {
  int at = first;
  statement.bind(at++, report.instance_uuid.str());
  statement.bind(at++, report.generation);
  statement.bind(at++, report.request_id);
  statement.bind(at++, report.operation);
  statement.bind(at++, static_cast<int>(report.outcome));
  statement.bind(at++, std::string(model::Name(report.vm_state)));
  statement.bind(at++, std::string(model::Name(report.task_state)));
  statement.bind(at++, static_cast<int>(report.power_state));
  if (report.fault) {
    statement.bind(at++, report.fault->reason);
    statement.bind(at++, report.fault->message);
    statement.bind(at++, report.fault->retryable ? 1 : 0);
  } else {
    statement.bind(at++);
    statement.bind(at++);
    statement.bind(at++);
  }
  if (report.launched_at) {
    statement.bind(at++, ToMicros(*report.launched_at));
  } else {
    statement.bind(at++);
  }
  statement.bind(at++, WriteTimings(report.timings));
  statement.bind(at++, ToMicros(report.at));
}

}  // namespace kilonova::agent::adapters::journal
