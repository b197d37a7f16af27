// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/instance.grpc.pb.h>

#include <thread>

#include "cli/call.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/instance_text.h"
#include "cli/table.h"
#include "cli/watch.h"
#include "common/base/ids.h"

namespace kilonova::cli {
namespace {

using Service = v1::InstanceService;

int Print(const Client& client, const v1::Instance& instance) {
  std::cout << (client.format() == Format::kTable ? InstanceText(instance)
                                                  : Render(instance, client.format()));
  return kExitOk;
}

Expected<v1::Instance> Get(const Client& client, const std::string& name) {
  v1::GetInstanceRequest request;
  request.set_instance(name);
  ASSIGN_OR_RETURN(const auto response, Call(client, &Service::Stub::GetInstance, request));
  return response.instance();
}

// A call that answers with the instance, then maybe a wait for it to settle.
template <class Request, class Response>
int Act(const Client& client, const InstanceOptions& options, Request request,
        Method<Service::Stub, Request, Response> method, WaitFor what) {
  request.set_instance(options.instance);
  request.set_request_id(options.request_id);
  const auto response = Call(client, method, request);
  if (!response.ok()) return Fail(response.status());
  if (!options.wait) return Print(client, response->instance());
  const std::string uuid = response->instance().uuid();
  const int code = WaitForInstances(client, {uuid}, what, options.wait_timeout);
  const auto after = Get(client, uuid);
  if (after.ok()) Print(client, *after);
  return code;
}

v1::VmState StateFrom(const std::string& text, bool* ok) {
  v1::VmState state = v1::VM_STATE_UNSPECIFIED;
  std::string name = "VM_STATE_";
  for (const char c : text) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  *ok = text.empty() || v1::VmState_Parse(name, &state);
  return state;
}

}  // namespace

int CreateInstances(const Client& client, const CreateOptions& options) {
  v1::CreateInstancesRequest request;
  // With an id of its own, a repeated command is safe: the scheduler answers with the same
  // instances.
  request.set_request_id(options.request_id.empty() ? Uuid::Random().str() : options.request_id);
  request.set_count(options.count);
  if (const Status status = FillTemplate(options.what, request.mutable_template_()); !status.ok()) {
    return FailUsage(Message(status));
  }
  const auto response = Call(client, &Service::Stub::CreateInstances, request);
  if (!response.ok()) return Fail(response.status());
  std::vector<v1::Instance> instances(response->instances().begin(), response->instances().end());
  int code = kExitOk;
  if (options.wait) {
    std::vector<std::string> uuids;
    uuids.reserve(instances.size());
    for (const auto& instance : instances) uuids.push_back(instance.uuid());
    code = WaitForInstances(client, uuids, WaitFor::kSettled, options.wait_timeout);
  }
  // After a wait they have changed; of a compact answer most is yet to be asked for.
  if (options.wait || response->compact()) {
    for (auto& instance : instances) {
      if (const auto after = Get(client, instance.uuid()); after.ok()) instance = *after;
    }
  }
  if (instances.size() == 1) {
    Print(client, instances.front());
  } else {
    PrintList<v1::Instance>(client.format(), instances, InstanceTable);
  }
  return code;
}

int ListInstances(const Client& client, const ListInstancesOptions& options) {
  v1::ListInstancesRequest request;
  bool known = true;
  request.set_vm_state(StateFrom(options.state, &known));
  if (!known) return FailUsage("--state: no such vm_state: " + options.state);
  request.set_project_id(options.project);
  request.set_host(options.host);
  request.set_name(options.name);
  request.set_flavor(options.flavor);
  request.set_image_id(options.image);
  request.set_deleted(options.deleted);
  return ListAndPrint(client, &Service::Stub::ListInstances, request,
                      &v1::ListInstancesResponse::instances, InstanceTable);
}

int ShowInstance(const Client& client, const InstanceOptions& options) {
  const auto instance = Get(client, options.instance);
  return instance.ok() ? Print(client, *instance) : Fail(instance.status());
}

int DeleteInstance(const Client& client, const InstanceOptions& options) {
  return Act(client, options, v1::DeleteInstanceRequest(), &Service::Stub::DeleteInstance,
             WaitFor::kDeleted);
}

int StartInstance(const Client& client, const InstanceOptions& options) {
  return Act(client, options, v1::StartInstanceRequest(), &Service::Stub::StartInstance,
             WaitFor::kSettled);
}

int StopInstance(const Client& client, const InstanceOptions& options) {
  return Act(client, options, v1::StopInstanceRequest(), &Service::Stub::StopInstance,
             WaitFor::kSettled);
}

int RebootInstance(const Client& client, const InstanceOptions& options) {
  v1::RebootInstanceRequest request;
  request.set_type(options.hard ? v1::REBOOT_TYPE_HARD : v1::REBOOT_TYPE_SOFT);
  return Act(client, options, request, &Service::Stub::RebootInstance, WaitFor::kSettled);
}

int ConsoleOutput(const Client& client, const InstanceOptions& options) {
  v1::GetConsoleOutputRequest request;
  request.set_instance(options.instance);
  request.set_max_bytes(options.serial ? 1 : options.max_bytes);
  auto response = Call(client, &Service::Stub::GetConsoleOutput, request);
  if (!response.ok()) return Fail(response.status());
  if (options.serial) {
    response->clear_output();
    response->clear_truncated();
  }
  if (client.format() != Format::kTable) {
    std::cout << Render(*response, client.format());
  } else if (options.serial) {
    for (const std::string& console : response->serial_consoles()) {
      std::cout << Printable(console) << '\n';
    }
  } else {
    // As it came: whoever asks for a guest's console gets the guest's bytes.
    std::cout.write(response->output().data(),
                    static_cast<std::streamsize>(response->output().size()));
    if (!response->output().empty() && response->output().back() != '\n') std::cout << '\n';
  }
  return kExitOk;
}

}  // namespace kilonova::cli
