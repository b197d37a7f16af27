// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::v1 {
class Image;
}

namespace kilonova::grpc {

void ToProto(const model::ImageSource& image, v1::Image* out);  // all but created_at_us
// An empty id stays empty, for the caller to choose one; an id that is no uuid is IMAGE_INVALID.
// Whether the other values make sense is not judged here.
Expected<model::ImageSource> FromProto(const v1::Image& image);

}  // namespace kilonova::grpc
