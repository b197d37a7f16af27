// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {

void FinishCall(ApiContext& context, const char* method, SteadyTime begin,
                ::grpc::ServerUnaryReactor* reactor, const Status& status) {
  if (status.code() == Code::kInternal) {
    LogError("call failed", {F("method", method), F("why", status)});
  }
  if (context.metrics != nullptr) {
    const std::chrono::duration<double> took = context.clock.Steady() - begin;
    context.metrics->Count("kilonova_scheduler_calls_total",
                           {{"method", method}, {"reason", status.ok() ? "OK" : ReasonOf(status)}});
    context.metrics->Observe("kilonova_scheduler_call_seconds", took.count(), {{"method", method}});
  }
  reactor->Finish(wire::ToGrpc(status));  // the call and its messages are gone after this
}

Status AdmitCall(const ApiContext& context, const ::grpc::CallbackServerContext& call,
                 const google::protobuf::Message& request) {
  if (call.IsCancelled() || call.deadline() <= std::chrono::system_clock::now()) {
    return Error(Code::kDeadlineExceeded, reason::kDeadlineExceeded,
                 "the call's deadline passed before it was looked at");
  }
  if (context.draining) {
    return Error(Code::kUnavailable, reason::kUnavailable, "the scheduler is stopping");
  }
  if (request.ByteSizeLong() > wire::kMaxClientRequest) {
    return Error(Code::kInvalidArgument, reason::kMessageTooLarge,
                 "a request may have at most 1 MiB");
  }
  return OkStatus();
}

}  // namespace kilonova::scheduler::adapters::grpc
