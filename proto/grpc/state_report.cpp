// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/state_report.h"

#include <kilonova/v1/agent.pb.h>

#include "proto/grpc/states.h"
#include "proto/grpc/utf8.h"

namespace kilonova::grpc {
namespace {

constexpr std::size_t kMostFaultText = 4096;
constexpr int kMostTimings = 64;

Status Invalid(const char* field, const char* message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, std::string(field) + " " + message,
               {{"field", field}});
}

v1::Outcome ToProto(model::Outcome outcome) {
  switch (outcome) {
    case model::Outcome::kProgress:
      return v1::OUTCOME_PROGRESS;
    case model::Outcome::kDone:
      return v1::OUTCOME_DONE;
    case model::Outcome::kFailed:
      return v1::OUTCOME_FAILED;
    case model::Outcome::kObserved:
      return v1::OUTCOME_OBSERVED;
  }
  return v1::OUTCOME_UNSPECIFIED;
}

Expected<model::Outcome> OutcomeFrom(v1::Outcome outcome) {
  switch (outcome) {
    case v1::OUTCOME_PROGRESS:
      return model::Outcome::kProgress;
    case v1::OUTCOME_DONE:
      return model::Outcome::kDone;
    case v1::OUTCOME_FAILED:
      return model::Outcome::kFailed;
    case v1::OUTCOME_OBSERVED:
      return model::Outcome::kObserved;
    default:
      return Invalid("outcome", "is none");
  }
}

}  // namespace

void ToProto(const model::StateReport& report, v1::StateReport* out) {
  out->set_seq(report.seq);
  out->set_instance_uuid(report.instance_uuid.str());
  out->set_generation(report.generation);
  out->set_request_id(report.request_id);
  out->set_operation(report.operation);
  out->set_outcome(ToProto(report.outcome));
  out->set_vm_state(static_cast<v1::VmState>(ToProto(report.vm_state)));
  out->set_task_state(std::string(Name(report.task_state)));
  out->set_power_state(static_cast<v1::PowerState>(ToProto(report.power_state)));
  if (report.fault) {
    out->set_fault_reason(report.fault->reason);
    // Library text may have slipped into it: a report that cannot be sent would block all others.
    out->set_fault_message(CleanUtf8(report.fault->message, kMostFaultText));
    out->set_fault_retryable(report.fault->retryable);
  }
  if (report.launched_at) out->set_launched_at_us(ToMicros(*report.launched_at));
  for (const model::StepTiming& timing : report.timings) {
    auto* step = out->add_timings();
    step->set_step(timing.step);
    step->set_micros(timing.took.count());
  }
  out->set_at_us(ToMicros(report.at));
}

Expected<model::StateReport> FromProto(const v1::StateReport& report) {
  model::StateReport out;
  out.seq = report.seq();
  if (out.seq < 1) return Invalid("seq", "must be 1 or more");
  ASSIGN_OR_RETURN(out.instance_uuid, Uuid::Parse(report.instance_uuid()));
  out.generation = report.generation();
  out.request_id = report.request_id();
  out.operation = report.operation();
  ASSIGN_OR_RETURN(out.outcome, OutcomeFrom(report.outcome()));
  ASSIGN_OR_RETURN(out.vm_state, VmStateFromProto(report.vm_state()));
  ASSIGN_OR_RETURN(out.task_state, TaskStateFromProto(report.task_state()));
  ASSIGN_OR_RETURN(out.power_state, PowerStateFromProto(report.power_state()));
  if (!report.fault_reason().empty()) {
    out.fault = model::Fault{.reason = report.fault_reason(),
                             .message = CleanUtf8(report.fault_message(), kMostFaultText),
                             .retryable = report.fault_retryable()};
  } else if (out.outcome == model::Outcome::kFailed) {
    return Invalid("fault_reason", "is required with FAILED");
  }
  if (report.launched_at_us() != 0) out.launched_at = FromMicros(report.launched_at_us());
  if (report.timings_size() > kMostTimings) return Invalid("timings", "are too many");
  for (const auto& step : report.timings()) {
    out.timings.push_back({step.step(), std::chrono::microseconds(step.micros())});
  }
  out.at = FromMicros(report.at_us());
  return out;
}

}  // namespace kilonova::grpc
