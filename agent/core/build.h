// SPDX-License-Identifier: Apache-2.0
// From a request to a running guest, in idempotent steps (step::kBuild): begun again after a crash
// it finds what is there and goes on. What fails is undone before it is reported (step::kUndo).
#pragma once

#include "agent/core/operation.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

class Build final : public Runnable {
 public:
  // `body` without its secrets: what the instance's record keeps.
  Build(Services& services, OperationHead head, Cancellation& cancel,
        const model::BuildRequest& request, std::string body);

  void Run() override;
  // To be called before the first Run, which then undoes whatever there is of it and reports `why`.
  void Abandon(const Status& why);

 private:
  enum class Prior { kNothing, kRunning, kAnswered };
  Status Attempt();
  // What earlier attempts, messages or generations left of this instance here.
  Expected<Prior> LookBack();
  // True when the instance is here, of this generation or a later one: its state is the answer.
  Expected<bool> AnsweredBefore(const std::optional<InstanceRecord>& record);
  Status RemoveOlder();
  Status Steps(Prior prior);
  Status Prepare();
  Status TemplateCheck();
  Status AwaitTemplate();
  Status HostClaim();
  Status TakeShare();
  Status FetchImages();
  Status MakeDisk();
  Status MakeBlankDisks();
  Status MakeConfigDrive();
  Status CheckNetworks();
  Status AwaitPermission();
  Status AwaitRunning();
  Status ReportActive();
  void Fail(const Status& why);
  Status Undo();
  void ReportFailed(const Status& why, const Status& undone);
  InstanceRecord Record(model::VmState vm, model::PowerState power) const;
  // May wait for libvirt as long as a build may.
  Status Hypervised(absl::FunctionRef<Status()> call);

  Operation op_;
  Services& services_;
  const model::BuildRequest request_;
  const std::string body_;
  bool abandoned_ = false;
  std::optional<Prior> prior_;
  std::optional<Status> failure_;                             // why it is being undone
  std::optional<SteadyTime> template_since_, running_since_;  // waited for
  Backoff template_backoff_{std::chrono::milliseconds(100), std::chrono::milliseconds(5000)};
  Backoff permission_backoff_{std::chrono::milliseconds(100), std::chrono::milliseconds(5000)};
  Backoff running_backoff_{std::chrono::milliseconds(10), std::chrono::milliseconds(500)};
  bool said_waiting_ = false;
  GuestPlacement placement_;
  DevicesWanted devices_;
  model::Resources resources_;
  std::vector<BlankDisk> blank_disks_;
  std::string xml_;
  bool touched_ = false;          // something may have been made for it
  bool domain_possible_ = false;  // libvirt may know it: undo must ask
};

}  // namespace kilonova::agent::core
