// SPDX-License-Identifier: Apache-2.0
#include "cli/wait.h"

#include <kilonova/v1/instance.pb.h>

#include "cli/instance_text.h"
#include "cli/table.h"

namespace kilonova::cli {

void WaitProgress::Tell(const v1::Instance& instance) {
  const std::string text = StateText(instance);
  std::string& last = last_[instance.uuid()];
  if (last == text) return;
  last = text;
  lines_.push_back(instance.uuid() + "  " + Printable(instance.name()) + "  " + text);
}

bool WaitProgress::Take(const v1::WatchInstancesResponse& response) {
  lines_.clear();
  // The present set has been told, and none of them was in it any more.
  if (response.bookmark() && what_ == WaitFor::kDeleted && last_.empty()) return false;
  if (!response.has_instance()) return true;
  const v1::Instance& instance = response.instance();
  Tell(instance);
  const bool deleted = instance.vm_state() == v1::VM_STATE_DELETED;
  const bool error = instance.vm_state() == v1::VM_STATE_ERROR;
  // A deletion under way is a task: without one, and still there, it has failed.
  const bool idle = instance.task_state().empty();
  const bool settled = what_ == WaitFor::kDeleted
                           ? deleted || idle
                           : deleted || (idle && instance.vm_state() != v1::VM_STATE_BUILDING);
  if (!settled || waiting_.erase(instance.uuid()) == 0) return !waiting_.empty();
  if (what_ == WaitFor::kDeleted ? deleted : !error && !deleted) return !waiting_.empty();
  failed_ = true;
  if (instance.has_fault()) {
    lines_.push_back("kilonova: " + instance.fault().reason() + ": " +
                     Printable(instance.fault().message()));
  } else if (what_ == WaitFor::kDeleted) {
    lines_.push_back("kilonova: the deletion failed, the instance is still there");
  }
  return !waiting_.empty();
}

}  // namespace kilonova::cli
