// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/instance.grpc.pb.h>

#include <algorithm>

#include "common/model/bounds.h"
#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"
#include "scheduler/adapters/grpc/watch_stream.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

constexpr auto kMostConsole = static_cast<std::int32_t>(model::kMaxConsoleBytes);
constexpr std::chrono::milliseconds kConsoleDeadline{10'000};

class InstanceServiceImpl final : public UnaryService<v1::InstanceService::CallbackService> {
 public:
  InstanceServiceImpl(ApiContext& context, ConsoleRoute& console, WatchPump& pump)
      : UnaryService(context), console_(console), pump_(pump) {}

  Reactor* CreateInstances(Call* call, const v1::CreateInstancesRequest* request,
                           v1::CreateInstancesResponse* response) override {
    return Run("CreateInstances", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckCreate(*request));
      const core::CreateRequest create{.request_id = request->request_id(),
                                       .instance = FromProto(request->template_()),
                                       .count = std::max(request->count(), 1)};
      ASSIGN_OR_RETURN(const auto instances, conductor().CreateInstances(create));
      ToProto(instances, response);
      return OkStatus();
    });
  }

  Reactor* GetInstance(Call* call, const v1::GetInstanceRequest* request,
                       v1::GetInstanceResponse* response) override {
    return Run("GetInstance", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("instance", request->instance()));
      return Answer(conductor().GetInstance(request->instance()), response);
    });
  }

  Reactor* ListInstances(Call* call, const v1::ListInstancesRequest* request,
                         v1::ListInstancesResponse* response) override {
    return RunList(
        "ListInstances", call, request, response,
        [this, request](const core::PageRequest& page) -> Expected<core::Page<core::InstancePtr>> {
          ASSIGN_OR_RETURN(const core::InstanceFilter filter, FilterFrom(*request));
          return conductor().ListInstances(filter, page);
        },
        [response](const core::InstancePtr& item) { ToProto(*item, response->add_instances()); });
  }

  ::grpc::ServerWriteReactor<v1::WatchInstancesResponse>* WatchInstances(
      Call*, const v1::WatchInstancesRequest* request) override {
    return StartWatch(context(), pump_, *request);
  }

  Reactor* DeleteInstance(Call* call, const v1::DeleteInstanceRequest* request,
                          v1::DeleteInstanceResponse* response) override {
    return Run("DeleteInstance", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckAction(*request));
      return Answer(conductor().DeleteInstance(request->instance(), request->request_id()),
                    response);
    });
  }

  Reactor* StartInstance(Call* call, const v1::StartInstanceRequest* request,
                         v1::StartInstanceResponse* response) override {
    return Run("StartInstance", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckAction(*request));
      return Answer(conductor().StartInstance(request->instance(), request->request_id()),
                    response);
    });
  }

  Reactor* StopInstance(Call* call, const v1::StopInstanceRequest* request,
                        v1::StopInstanceResponse* response) override {
    return Run("StopInstance", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckAction(*request));
      return Answer(conductor().StopInstance(request->instance(), request->request_id()), response);
    });
  }

  Reactor* RebootInstance(Call* call, const v1::RebootInstanceRequest* request,
                          v1::RebootInstanceResponse* response) override {
    return Run("RebootInstance", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckAction(*request));
      if (request->type() != v1::REBOOT_TYPE_SOFT && request->type() != v1::REBOOT_TYPE_HARD) {
        return Error(Code::kInvalidArgument, reason::kInvalidArgument, "type must be SOFT or HARD",
                     {{"field", "type"}});
      }
      const auto type = request->type() == v1::REBOOT_TYPE_SOFT ? model::RebootType::kSoft
                                                                : model::RebootType::kHard;
      return Answer(conductor().RebootInstance(request->instance(), type, request->request_id()),
                    response);
    });
  }

  // The answer comes from the host: no thread waits for it.
  Reactor* GetConsoleOutput(Call* call, const v1::GetConsoleOutputRequest* request,
                            v1::GetConsoleOutputResponse* response) override {
    constexpr const char* kMethod = "GetConsoleOutput";
    Reactor* reactor = call->DefaultReactor();
    const SteadyTime begin = context().clock.Steady();
    const auto fail = [this, begin, reactor](const Status& status) {
      FinishCall(context(), kMethod, begin, reactor, status);
    };
    const bool queued = context().requests.Submit([this, call, request, response, begin, reactor,
                                                   fail] {
      const auto instance = ConsoleTarget(*call, *request);
      if (!instance.ok()) return fail(instance.status());
      const std::int32_t most = request->max_bytes() == 0 ? kMostConsole : request->max_bytes();
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          call->deadline() - std::chrono::system_clock::now());
      console_.Ask((*instance)->host, (*instance)->uuid(), most, std::min(left, kConsoleDeadline),
                   [this, response, begin, reactor](Expected<ConsoleOutput> output) {
                     if (output.ok()) {
                       response->set_output(std::move(output->output));
                       response->set_truncated(output->truncated);
                       for (std::string& console : output->serial_consoles) {
                         response->add_serial_consoles(std::move(console));
                       }
                     }
                     FinishCall(context(), kMethod, begin, reactor, output.status());
                   });
    });
    if (!queued) {
      fail(Error(Code::kUnavailable, reason::kUnavailable, "too many calls at once; try again"));
    }
    return reactor;
  }

 private:
  template <class Request>
  static Status CheckAction(const Request& request) {
    RETURN_IF_ERROR(CheckRef("instance", request.instance()));
    return CheckRequestId(request.request_id());
  }

  template <class Response>
  static Status Answer(const Expected<core::InstancePtr>& instance, Response* response) {
    RETURN_IF_ERROR(instance.status());
    ToProto(**instance, response->mutable_instance());
    return OkStatus();
  }

  Expected<core::InstancePtr> ConsoleTarget(const Call& call,
                                            const v1::GetConsoleOutputRequest& request) {
    RETURN_IF_ERROR(AdmitCall(context(), call, request));
    RETURN_IF_ERROR(CheckRef("instance", request.instance()));
    if (request.max_bytes() < 0 || request.max_bytes() > kMostConsole) {
      return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                   "max_bytes must be 0 to 102400", {{"field", "max_bytes"}});
    }
    ASSIGN_OR_RETURN(core::InstancePtr instance, conductor().GetInstance(request.instance()));
    if (instance->deleted() || instance->host.empty()) {
      return Error(Code::kFailedPrecondition, reason::kInstanceStateConflict,
                   "the instance is on no host, so it has no console",
                   {{"vm_state", std::string(Name(instance->vm_state))}});
    }
    return instance;
  }

  ConsoleRoute& console_;
  WatchPump& pump_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeInstanceService(ApiContext& context, ConsoleRoute& console,
                                                     WatchPump& pump) {
  return std::make_unique<InstanceServiceImpl>(context, console, pump);
}

}  // namespace kilonova::scheduler::adapters::grpc
