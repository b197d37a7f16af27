// SPDX-License-Identifier: Apache-2.0
#include "common/model/transitions.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kilonova::model {
namespace {

using Json = nlohmann::json;

const std::map<std::string, InstanceEvent>& Served() {
  static const std::map<std::string, InstanceEvent> served{
      {"delete", InstanceEvent::kDelete},
      {"force_delete", InstanceEvent::kDelete},
      {"start", InstanceEvent::kStart},
      {"stop", InstanceEvent::kStop},
      {"_soft_reboot", InstanceEvent::kSoftReboot},
      {"_hard_reboot", InstanceEvent::kHardReboot}};
  return served;
}

Json Vectors() {
  const char* directory = std::getenv("KILONOVA_VECTORS");
  std::ifstream file(
      std::string(directory != nullptr ? directory : KILONOVA_SOURCE_DIR "/tests/vectors") +
      "/power_vm_states.json");
  return Json::parse(file);
}

std::optional<TaskState> Task(const Json& value) {
  return value.is_null() ? TaskState::kNone : TaskStateFrom(value.get<std::string>());
}

std::vector<VmState> AllVm() {
  std::vector<VmState> all;
  for (int i = 0; i <= static_cast<int>(VmState::kShelvedOffloaded); ++i) {
    all.push_back(static_cast<VmState>(i));
  }
  return all;
}

std::vector<TaskState> AllTasks() {
  std::vector<TaskState> all;
  for (int i = 0; i <= static_cast<int>(TaskState::kDeleting); ++i) {
    all.push_back(static_cast<TaskState>(i));
  }
  return all;
}

// One decision of Nova after the other. Task states of features that are not served have no name
// here; an instance cannot be in them, so there is nothing to ask.
TEST(Transitions, AgreesWithNova_OnEveryVectorOfAServedAction) {
  const Json vectors = Vectors();
  int asked = 0;
  for (const Json& vector : vectors["vectors"]) {
    const auto event = Served().find(vector["action"].get<std::string>());
    const auto task = Task(vector["task_state"]);
    if (event == Served().end() || !task) continue;
    const InstanceStates states{*VmStateFrom(vector["vm_state"].get<std::string>()), *task,
                                PowerState::kNoState, vector["launched"].get<bool>()};
    const auto refusal = Refusal(states, event->second);
    const Json& result = vector["result"];
    EXPECT_EQ(!refusal.has_value(), result["allowed"].get<bool>()) << vector.dump();
    if (refusal && result.contains("attr")) {
      EXPECT_EQ(*refusal, result["attr"].get<std::string>()) << vector.dump();
    }
    ++asked;
  }
  EXPECT_GE(asked, 100);
}

// Nova's table as data, asked for every combination there is.
TEST(Transitions, AgreesWithNovasTable_OnEveryCombination) {
  const Json actions = Vectors()["actions"];
  for (const auto& [name, event] : Served()) {
    const Json& rule = actions.at(name).at("check_instance_state");
    const auto allows = [&](const char* field, std::string_view value) {
      const Json& list = rule.at(field);
      if (list.is_null()) return true;
      for (const Json& entry : list) {
        if ((entry.is_null() ? std::string() : entry.get<std::string>()) == value) return true;
      }
      return false;
    };
    for (VmState vm : AllVm()) {
      for (TaskState task : AllTasks()) {
        for (bool launched : {false, true}) {
          const bool nova = allows("vm_state", Name(vm)) && allows("task_state", Name(task)) &&
                            (launched || !rule.at("must_have_launched").get<bool>());
          const auto after = Apply({vm, task, PowerState::kRunning, launched}, event);
          EXPECT_EQ(after.ok(), nova)
              << name << " " << Name(vm) << " " << Name(task) << " " << launched;
          if (!after.ok()) {
            EXPECT_TRUE(HasReason(after.status(), reason::kInstanceStateConflict));
          }
        }
      }
    }
  }
}

TEST(Transitions, WalkEveryPair_DeletedIsFinalAndNothingElseLeavesAnUnknownState) {
  for (VmState vm : AllVm()) {
    for (TaskState task : AllTasks()) {
      for (int e = 0; e < kInstanceEvents; ++e) {
        const auto event = static_cast<InstanceEvent>(e);
        const InstanceStates before{vm, task, PowerState::kRunning, true};
        const auto after = Apply(before, event);
        EXPECT_FALSE(Name(event).empty());
        if (!after.ok()) continue;
        EXPECT_FALSE(Name(after->vm).empty());
        if (vm == VmState::kDeleted) {
          // Only the request to delete it again is allowed, and its caller answers without acting.
          EXPECT_EQ(event, InstanceEvent::kDelete);
          EXPECT_EQ(after->vm, VmState::kDeleted);
        }
        if (task == TaskState::kDeleting && event != InstanceEvent::kTerminateFailed) {
          EXPECT_TRUE(after->task == TaskState::kDeleting || after->vm == VmState::kDeleted)
              << Name(event) << " took back a delete";
        }
      }
    }
  }
}

TEST(Transitions, ABuildDoneAfterItsDelete_IsRefused) {
  const InstanceStates deleting{VmState::kBuilding, TaskState::kDeleting, PowerState::kNoState,
                                false};
  EXPECT_EQ(Refusal(deleting, InstanceEvent::kBuildDone), "task_state");
  EXPECT_EQ(Refusal(deleting, InstanceEvent::kReschedule), "task_state");
}

TEST(Transitions, AFailedReboot_IsAnErrorOnlyWhenTheGuestIsGone) {
  InstanceStates states{VmState::kActive, TaskState::kRebootStarted, PowerState::kRunning, true};
  EXPECT_EQ(Apply(states, InstanceEvent::kRebootFailed)->vm, VmState::kActive);
  states.power = PowerState::kShutdown;
  EXPECT_EQ(Apply(states, InstanceEvent::kRebootFailed)->vm, VmState::kError);
}

TEST(Transitions, WhatMustBeStopped_IsWhatNovaStops) {
  const InstanceStates stopped{VmState::kStopped, TaskState::kNone, PowerState::kShutdown, true};
  EXPECT_TRUE(MustBeStopped(stopped, PowerState::kRunning));
  EXPECT_FALSE(MustBeStopped(stopped, PowerState::kShutdown));
  EXPECT_FALSE(MustBeStopped(stopped, PowerState::kNoState));
  InstanceStates starting = stopped;
  starting.task = TaskState::kPoweringOn;
  EXPECT_FALSE(MustBeStopped(starting, PowerState::kRunning));
  const InstanceStates active{VmState::kActive, TaskState::kNone, PowerState::kRunning, true};
  EXPECT_TRUE(MustBeStopped(active, PowerState::kSuspended));
  EXPECT_FALSE(MustBeStopped(active, PowerState::kPaused));
}

}  // namespace
}  // namespace kilonova::model
