// SPDX-License-Identifier: Apache-2.0
// The steps of every operation, in the order they run, and so the names of the places where a test
// may kill the agent: agent.<operation>.<step>.before and .after.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace kilonova::agent::core {

namespace step {
inline constexpr std::array<std::string_view, 17> kBuild = {
    "template_check",   "host_claim", "mdevs",        "instance_dir", "image",  "disk",
    "blank_disks",      "tpm_secret", "config_drive", "network",      "xml",    "define",
    "start_permission", "start",      "wait_running", "report",       "cleanup"};
// After a build that failed.
inline constexpr std::array<std::string_view, 5> kUndo = {"destroy", "undefine", "network", "files",
                                                          "report"};
inline constexpr std::array<std::string_view, 6> kDelete = {"destroy", "undefine", "network",
                                                            "files",   "claim",    "report"};
inline constexpr std::array<std::string_view, 3> kStart = {"define", "start", "report"};
inline constexpr std::array<std::string_view, 3> kStop = {"shutdown", "destroy", "report"};
// A soft reboot that the guest heeds passes shutdown, start and report.
inline constexpr std::array<std::string_view, 5> kReboot = {"shutdown", "destroy", "define",
                                                            "start", "report"};
}  // namespace step

// Where a step stands in its operation, 1 and up; what comes after a failure (undo) stands behind
// all else. 0 for what is no step.
int StepIndex(std::string_view operation, std::string_view name);

// Every failpoint of the agent's core and journal.
std::vector<std::string> AllFailpoints();

}  // namespace kilonova::agent::core
