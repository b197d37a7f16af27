// SPDX-License-Identifier: Apache-2.0
// Between rows and values. What a row holds is checked, not trusted: a damaged one is an error of
// that row alone.
#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>

#include <string>

#include "agent/core/journal.h"

namespace kilonova::agent::adapters::journal {

// "MEMORY_MB=512 VCPU=2"
std::string WriteResources(const model::Resources& resources);
Expected<model::Resources> ReadResources(const std::string& text);
// "0000:05:00.0 0000:06:00.0": words that hold no blanks themselves
std::string WriteWords(const std::vector<std::string>& words);
std::vector<std::string> ReadWords(const std::string& text);
// "uuid/parent/type uuid/parent/type"
std::string WriteMdevs(const std::vector<hardware::Mdev>& mdevs);
Expected<std::vector<hardware::Mdev>> ReadMdevs(const std::string& text);
// "image=1200 disk=900", microseconds
std::string WriteTimings(const std::vector<model::StepTiming>& timings);
Expected<std::vector<model::StepTiming>> ReadTimings(const std::string& text);

// "10000 10001"
std::string WritePorts(const std::vector<int>& ports);
Expected<std::vector<int>> ReadPorts(const std::string& text);

inline constexpr const char* kEntryColumns =
    "id, unique_id, request_id, method, instance, generation, digest, body, state, starts";
inline constexpr const char* kEntryColumnsNoBody =
    "id, unique_id, request_id, method, instance, generation, digest, '', state, starts";
Expected<core::JournalEntry> ReadEntry(SQLite::Statement& row);

inline constexpr const char* kInstanceColumns =
    "uuid, instance_id, generation, claim_id, resources, vm_state, power_state, build_body, "
    "launched, undo_pending, numa, serial_ports, pci, mdevs";
inline constexpr const char* kInstanceColumnsNoBody =
    "uuid, instance_id, generation, claim_id, resources, vm_state, power_state, '', launched, "
    "undo_pending, numa, serial_ports, pci, mdevs";
Expected<core::InstanceRecord> ReadInstance(SQLite::Statement& row);

inline constexpr const char* kReportColumns =
    "seq, instance, generation, request_id, operation, outcome, vm_state, task_state, "
    "power_state, fault_reason, fault_message, fault_retryable, launched_at, timings, at";
Expected<model::StateReport> ReadReport(SQLite::Statement& row);
// Everything but seq and entry_id, into parameters from `first` on.
void BindReport(SQLite::Statement& statement, int first, const model::StateReport& report);

}  // namespace kilonova::agent::adapters::journal
