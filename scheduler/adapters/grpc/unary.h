// SPDX-License-Identifier: Apache-2.0
// A unary call: off gRPC's thread, onto the pool, and back with a Status of ours.
//
//   class FlavorServiceImpl final : public UnaryService<v1::FlavorService::CallbackService> {
//     Reactor* GetFlavor(Call* call, const v1::GetFlavorRequest* request,
//                        v1::GetFlavorResponse* response) override {
//       return Run("GetFlavor", call, *request, [this, request, response]() -> Status {
//         ASSIGN_OR_RETURN(const model::Flavor flavor, conductor().GetFlavor(request->flavor()));
//         wire::ToProto(flavor, response->mutable_flavor());
//         return OkStatus();
//       });
//     }
//
// For service .cpp files only: this is where gRPC's headers come in.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "proto/grpc/server.h"
#include "proto/grpc/status.h"
#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/context.h"

namespace kilonova::scheduler::adapters::grpc {

namespace wire = ::kilonova::grpc;

// Ends the call and counts it.
void FinishCall(ApiContext& context, const char* method, SteadyTime begin,
                ::grpc::ServerUnaryReactor* reactor, const Status& status);

// What is refused before anybody works on it.
Status AdmitCall(const ApiContext& context, const ::grpc::CallbackServerContext& call,
                 const google::protobuf::Message& request);

template <class Work>
::grpc::ServerUnaryReactor* Serve(ApiContext& context, WorkerPool& pool, const char* method,
                                  ::grpc::CallbackServerContext* call,
                                  const google::protobuf::Message& request, Work work) {
  ::grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  const SteadyTime begin = context.clock.Steady();
  const bool queued =
      pool.Submit([&context, &request, call, method, begin, reactor, work = std::move(work)] {
        Status status = AdmitCall(context, *call, request);
        if (status.ok()) {
          try {
            status = work();
          } catch (const std::exception& e) {
            LogError("call failed", {F("method", method), F("why", e.what())});
            status = Error(Code::kInternal, reason::kInternal, "internal error");
          }
        }
        FinishCall(context, method, begin, reactor, status);
      });
  if (!queued) {
    FinishCall(
        context, method, begin, reactor,
        Error(Code::kUnavailable, reason::kUnavailable, "too many calls at once; try again"));
  }
  return reactor;
}

// One page of a list: with fewer items than asked for when they would not fit into a message.
template <class Response, class Fetch, class Add>
Status FillPage(std::int64_t page_size, Response* response, Fetch fetch, Add add) {
  constexpr std::size_t kMostBytes = 3 << 20;
  std::int64_t size = page_size == 0 ? 100 : page_size;
  while (true) {
    ASSIGN_OR_RETURN(const auto page, fetch(size));
    response->Clear();
    for (const auto& item : page.items) add(item);
    response->set_next_page_token(page.next_page_token);
    if (response->ByteSizeLong() <= kMostBytes || size == 1) return OkStatus();
    size = size > 4 ? size / 4 : 1;
  }
}

// What the services of clients and operators share; `Callback` is the generated CallbackService.
template <class Callback>
class UnaryService : public Callback {
 public:
  explicit UnaryService(ApiContext& context) : context_(context) {}

 protected:
  using Call = ::grpc::CallbackServerContext;
  using Reactor = ::grpc::ServerUnaryReactor;

  ApiContext& context() const { return context_; }
  core::Conductor& conductor() const { return context_.conductor; }

  template <class Work>
  Reactor* Run(const char* method, Call* call, const google::protobuf::Message& request,
               Work work) {
    return Serve(context_, context_.requests, method, call, request, std::move(work));
  }

  // `fetch` takes the core::PageRequest asked for and gives an Expected<core::Page>; `add` writes
  // one of its items.
  template <class Request, class Response, class Fetch, class Add>
  Reactor* RunList(const char* method, Call* call, const Request* request, Response* response,
                   Fetch fetch, Add add) {
    return Run(method, call, *request, [request, response, fetch, add]() -> Status {
      RETURN_IF_ERROR(CheckPage(request->page_size(), request->page_token()));
      return FillPage(
          request->page_size(), response,
          [&](std::int64_t size) {
            return fetch(core::PageRequest{size, request->page_token()});
          },
          add);
    });
  }

 private:
  ApiContext& context_;
};

}  // namespace kilonova::scheduler::adapters::grpc
