// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/image.h"

#include <kilonova/v1/image.pb.h>

namespace kilonova::grpc {

void ToProto(const model::ImageSource& image, v1::Image* out) {
  out->set_id(image.id.str());
  out->set_name(image.name);
  out->set_url(image.url);
  out->set_sha256(image.sha256);
  out->set_disk_format(image.disk_format);
  out->set_container_format(image.container_format);
  out->set_size_bytes(image.size_bytes);
  out->set_min_disk_gb(image.min_disk_gb);
  out->set_min_ram_mb(image.min_ram_mb);
  for (const auto& [key, value] : image.properties) (*out->mutable_properties())[key] = value;
}

Expected<model::ImageSource> FromProto(const v1::Image& image) {
  model::ImageSource out;
  if (!image.id().empty()) {
    auto id = Uuid::Parse(image.id());
    if (!id.ok()) {
      return Error(Code::kInvalidArgument, reason::kImageInvalid,
                   "image id must be a lower-case uuid", {{"field", "id"}});
    }
    out.id = *std::move(id);
  }
  out.name = image.name();
  out.url = image.url();
  out.sha256 = image.sha256();
  out.disk_format = image.disk_format();
  out.container_format = image.container_format();
  out.size_bytes = image.size_bytes();
  out.min_disk_gb = image.min_disk_gb();
  out.min_ram_mb = image.min_ram_mb();
  out.properties.insert(image.properties().begin(), image.properties().end());
  return out;
}

}  // namespace kilonova::grpc
