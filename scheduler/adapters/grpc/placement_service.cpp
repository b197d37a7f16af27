// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/placement.grpc.pb.h>

#include <algorithm>

#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

Status Invalid(const char* field, const char* message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, std::string(field) + " " + message,
               {{"field", field}});
}

class PlacementServiceImpl final : public UnaryService<v1::PlacementService::CallbackService> {
 public:
  using UnaryService::UnaryService;

  Reactor* Explain(Call* call, const v1::ExplainRequest* request,
                   v1::ExplainResponse* response) override {
    return Run("Explain", call, *request, [this, request, response]() -> Status {
      ASSIGN_OR_RETURN(const core::Explanation explanation, Explained(*request));
      ToProto(explanation, response);
      return OkStatus();
    });
  }

  Reactor* DryRun(Call* call, const v1::DryRunRequest* request,
                  v1::DryRunResponse* response) override {
    return Run("DryRun", call, *request, [this, request, response]() -> Status {
      if (!request->has_template_()) return Invalid("template", "is required");
      RETURN_IF_ERROR(CheckTemplate(request->template_()));
      RETURN_IF_ERROR(CheckCount(request->count()));
      const std::int64_t count = std::max(request->count(), 1);
      ASSIGN_OR_RETURN(const core::PlaceResult result,
                       conductor().DryRun(FromProto(request->template_()), count));
      ToProto(result, response);
      return OkStatus();
    });
  }

  Reactor* WhatFits(Call* call, const v1::WhatFitsRequest* request,
                    v1::WhatFitsResponse* response) override {
    return Run("WhatFits", call, *request, [this, request, response]() -> Status {
      // Only flavor and image may be left out.
      v1::InstanceTemplate sized = request->template_();
      if (sized.flavor().empty()) sized.set_flavor("any");
      if (sized.image().empty()) sized.set_image("any");
      RETURN_IF_ERROR(CheckTemplate(sized));
      ASSIGN_OR_RETURN(const auto rooms, conductor().WhatFits(FromProto(request->template_())));
      ToProto(rooms, request->per_host(), response);
      return OkStatus();
    });
  }

 private:
  Expected<core::Explanation> Explained(const v1::ExplainRequest& request) {
    if (request.most_hosts() < 0 || request.most_hosts() > 1000) {
      return Invalid("most_hosts", "must be 0 to 1000");
    }
    const std::size_t most =
        request.most_hosts() == 0 ? 100 : static_cast<std::size_t>(request.most_hosts());
    if (request.has_template_() == !request.instance().empty()) {
      return Invalid("template", "or instance is required, and not both");
    }
    if (request.has_template_()) {
      RETURN_IF_ERROR(CheckTemplate(request.template_()));
      return conductor().Explain(FromProto(request.template_()), most);
    }
    RETURN_IF_ERROR(CheckRef("instance", request.instance()));
    ASSIGN_OR_RETURN(core::Explanation kept, conductor().ExplainInstance(request.instance()));
    if (kept.explanations.size() > most) kept.explanations.resize(most);
    return kept;
  }
};

}  // namespace

std::unique_ptr<::grpc::Service> MakePlacementService(ApiContext& context) {
  return std::make_unique<PlacementServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
