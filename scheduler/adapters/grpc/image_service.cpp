// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/image.grpc.pb.h>

#include "proto/grpc/image.h"
#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

using Call = ::grpc::CallbackServerContext;
using Reactor = ::grpc::ServerUnaryReactor;

class ImageServiceImpl final : public v1::ImageService::CallbackService {
 public:
  explicit ImageServiceImpl(ApiContext& context) : context_(context) {}

  Reactor* RegisterImage(Call* call, const v1::RegisterImageRequest* request,
                         v1::RegisterImageResponse* response) override {
    return Run("RegisterImage", call, *request, [this, request, response]() -> Status {
      ASSIGN_OR_RETURN(model::ImageSource image, wire::FromProto(request->image()));
      ASSIGN_OR_RETURN(const core::ImageRecord made,
                       context_.conductor.RegisterImage(std::move(image)));
      ToProto(made, response->mutable_image());
      return OkStatus();
    });
  }

  Reactor* GetImage(Call* call, const v1::GetImageRequest* request,
                    v1::GetImageResponse* response) override {
    return Run("GetImage", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("image", request->image()));
      ASSIGN_OR_RETURN(const core::ImageRecord image,
                       context_.conductor.GetImage(request->image()));
      ToProto(image, response->mutable_image());
      return OkStatus();
    });
  }

  Reactor* ListImages(Call* call, const v1::ListImagesRequest* request,
                      v1::ListImagesResponse* response) override {
    return Run("ListImages", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckPage(request->page_size(), request->page_token()));
      return FillPage(
          request->page_size(), response,
          [&](std::int64_t size) {
            return context_.conductor.ListImages({size, request->page_token()});
          },
          [&](const core::ImageRecord& image) { ToProto(image, response->add_images()); });
    });
  }

  Reactor* DeleteImage(Call* call, const v1::DeleteImageRequest* request,
                       v1::DeleteImageResponse*) override {
    return Run("DeleteImage", call, *request, [this, request]() -> Status {
      RETURN_IF_ERROR(CheckRef("image", request->image()));
      return context_.conductor.DeleteImage(request->image());
    });
  }

 private:
  template <class Work>
  Reactor* Run(const char* method, Call* call, const google::protobuf::Message& request,
               Work work) {
    return Serve(context_, context_.requests, method, call, request, std::move(work));
  }

  ApiContext& context_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeImageService(ApiContext& context) {
  return std::make_unique<ImageServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
