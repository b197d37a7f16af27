// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/image.grpc.pb.h>

#include "proto/grpc/image.h"
#include "scheduler/adapters/grpc/check.h"
#include "scheduler/adapters/grpc/messages.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

class ImageServiceImpl final : public UnaryService<v1::ImageService::CallbackService> {
 public:
  using UnaryService::UnaryService;

  Reactor* RegisterImage(Call* call, const v1::RegisterImageRequest* request,
                         v1::RegisterImageResponse* response) override {
    return Run("RegisterImage", call, *request, [this, request, response]() -> Status {
      ASSIGN_OR_RETURN(model::ImageSource image, wire::FromProto(request->image()));
      ASSIGN_OR_RETURN(const core::ImageRecord made, conductor().RegisterImage(std::move(image)));
      ToProto(made, response->mutable_image());
      return OkStatus();
    });
  }

  Reactor* GetImage(Call* call, const v1::GetImageRequest* request,
                    v1::GetImageResponse* response) override {
    return Run("GetImage", call, *request, [this, request, response]() -> Status {
      RETURN_IF_ERROR(CheckRef("image", request->image()));
      ASSIGN_OR_RETURN(const core::ImageRecord image, conductor().GetImage(request->image()));
      ToProto(image, response->mutable_image());
      return OkStatus();
    });
  }

  Reactor* ListImages(Call* call, const v1::ListImagesRequest* request,
                      v1::ListImagesResponse* response) override {
    return RunList(
        "ListImages", call, request, response,
        [this](const core::PageRequest& page) { return conductor().ListImages(page); },
        [response](const core::ImageRecord& image) { ToProto(image, response->add_images()); });
  }

  Reactor* DeleteImage(Call* call, const v1::DeleteImageRequest* request,
                       v1::DeleteImageResponse*) override {
    return Run("DeleteImage", call, *request, [this, request]() -> Status {
      RETURN_IF_ERROR(CheckRef("image", request->image()));
      return conductor().DeleteImage(request->image());
    });
  }
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeImageService(ApiContext& context) {
  return std::make_unique<ImageServiceImpl>(context);
}

}  // namespace kilonova::scheduler::adapters::grpc
