// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.h"

#include <grpcpp/grpcpp.h>
#include <kilonova/v1/instance.grpc.pb.h>

#include <thread>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/instance_text.h"
#include "cli/table.h"
#include "common/base/clock.h"
#include "proto/grpc/status.h"

namespace kilonova::cli {
namespace {

using Deadline = std::chrono::system_clock::time_point;

// Runs `take` for each answer until it says stop; begins again from the last cursor when the
// connection breaks, until the deadline.
Status Follow(const Client& client, v1::WatchInstancesRequest request, Deadline deadline,
              const std::function<bool(const v1::WatchInstancesResponse&)>& take) {
  const auto stub = v1::InstanceService::NewStub(client.channel());
  while (true) {
    ::grpc::ClientContext context;
    if (deadline != Deadline::max()) context.set_deadline(deadline);
    context.set_wait_for_ready(request.cursor() != 0);
    const auto reader = stub->WatchInstances(&context, request);
    v1::WatchInstancesResponse response;
    while (reader->Read(&response)) {
      if (response.cursor() > request.cursor()) request.set_cursor(response.cursor());
      if (!take(response)) {
        context.TryCancel();
        return OkStatus();
      }
    }
    const Status status = grpc::FromGrpc(reader->Finish());
    const bool again = status.ok() || status.code() == Code::kUnavailable;
    if (!again || request.cursor() == 0 || std::chrono::system_clock::now() >= deadline) {
      return status.ok() ? Error(Code::kUnavailable, reason::kUnavailable, "the watch ended")
                         : status;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace

int WaitForInstances(const Client& client, const std::vector<std::string>& uuids, WaitFor what,
                     std::chrono::milliseconds timeout) {
  v1::WatchInstancesRequest request;
  for (const std::string& uuid : uuids) request.add_instances(uuid);
  WaitProgress progress(uuids, what);
  const Status status = Follow(client, request, std::chrono::system_clock::now() + timeout,
                               [&](const v1::WatchInstancesResponse& response) {
                                 const bool more = progress.Take(response);
                                 for (const auto& line : progress.lines())
                                   std::cerr << line << "\n";
                                 return more;
                               });
  if (!status.ok()) {
    if (status.code() == Code::kDeadlineExceeded) {
      std::cerr << "kilonova: still waiting after " << timeout.count() / 1000 << " s\n";
      return kExitRetry;
    }
    return Fail(status);
  }
  return progress.failed() ? kExitFailed : kExitOk;
}

int WatchInstances(const Client& client, const WatchOptions& options) {
  v1::WatchInstancesRequest request;
  request.set_cursor(options.cursor);
  request.set_project_id(options.project);
  for (const std::string& uuid : options.instances) request.add_instances(uuid);
  const Status status =
      Follow(client, request, Deadline::max(), [&](const v1::WatchInstancesResponse& response) {
        if (client.format() != Format::kTable) {
          std::cout << RenderLine(response) << std::endl;
        } else if (response.has_instance()) {
          const auto& i = response.instance();
          std::cout << response.cursor() << "  " << FormatNovaTime(SystemClock().Now()) << "  "
                    << i.uuid() << "  " << Printable(i.name()) << "  " << StateText(i) << "  "
                    << i.host() << std::endl;
        }
        return static_cast<bool>(std::cout);
      });
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace kilonova::cli
