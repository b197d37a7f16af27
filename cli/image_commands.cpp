// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/image.grpc.pb.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "cli/call.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "common/base/hash.h"

namespace kilonova::cli {
namespace {

using Service = v1::ImageService;

std::string ImageTable(const std::vector<v1::Image>& images) {
  Table table({"ID", "NAME", "FORMAT", "SIZE", "URL"});
  for (const auto& i : images) {
    table.Add({i.id(), i.name(), i.disk_format(), std::to_string(i.size_bytes()), i.url()});
  }
  return table.Text();
}

int Print(const Client& client, const v1::Image& i) {
  if (client.format() != Format::kTable) {
    std::cout << Render(i, client.format());
    return kExitOk;
  }
  std::vector<std::pair<std::string, std::string>> rows{
      {"id", i.id()},
      {"name", i.name()},
      {"url", i.url()},
      {"sha256", i.sha256()},
      {"disk_format", i.disk_format()},
      {"container_format", i.container_format()},
      {"size_bytes", i.size_bytes() == 0 ? "" : std::to_string(i.size_bytes())},
      {"min_disk_gb", i.min_disk_gb() == 0 ? "" : std::to_string(i.min_disk_gb())},
      {"min_ram_mb", i.min_ram_mb() == 0 ? "" : std::to_string(i.min_ram_mb())},
      {"created", TimeText(i.created_at_us())}};
  for (const auto& [key, value] :
       std::map<std::string, std::string>(i.properties().begin(), i.properties().end())) {
    rows.emplace_back("property " + key, value);
  }
  std::cout << KeyValues(rows);
  return kExitOk;
}

// A local path becomes a file:// URL, and its digest and size are computed here.
Status Complete(ImageOptions* options) {
  const bool local = options->url.find("://") == std::string::npos;
  if (!local) return OkStatus();
  std::error_code error;
  const auto path = std::filesystem::absolute(options->url, error).lexically_normal();
  std::ifstream stream(path, std::ios::binary);
  if (error || !stream) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, options->url + ": cannot read");
  }
  Sha256 hash;
  std::array<char, 1 << 16> buffer{};
  std::uint64_t size = 0;
  while (stream.read(buffer.data(), buffer.size()) || stream.gcount() > 0) {
    const auto got = static_cast<std::size_t>(stream.gcount());
    hash.Update(std::string_view(buffer.data(), got));
    size += got;
  }
  if (options->sha256.empty()) options->sha256 = hash.FinishHex();
  if (options->size == 0) options->size = size;
  options->url = "file://" + path.string();
  return OkStatus();
}

}  // namespace

int RegisterImage(const Client& client, const ImageOptions& given) {
  ImageOptions options = given;
  if (const Status status = Complete(&options); !status.ok()) return FailUsage(Message(status));
  v1::RegisterImageRequest request;
  v1::Image* image = request.mutable_image();
  image->set_id(options.id);
  image->set_name(options.name);
  image->set_url(options.url);
  image->set_sha256(options.sha256);
  image->set_disk_format(options.disk_format);
  image->set_container_format(options.container_format);
  image->set_size_bytes(options.size);
  image->set_min_disk_gb(options.min_disk);
  image->set_min_ram_mb(options.min_ram);
  const Status pairs = AddPairs(
      options.properties, "--property",
      [image](const auto& key, const auto& value) { (*image->mutable_properties())[key] = value; });
  if (!pairs.ok()) return FailUsage(Message(pairs));
  return CallAndPrint(client, &Service::Stub::RegisterImage, request,
                      &v1::RegisterImageResponse::image, Print);
}

int ListImages(const Client& client) {
  return ListAndPrint(client, &Service::Stub::ListImages, {}, &v1::ListImagesResponse::images,
                      ImageTable);
}

int ShowImage(const Client& client, const ImageOptions& options) {
  v1::GetImageRequest request;
  request.set_image(options.name);
  return CallAndPrint(client, &Service::Stub::GetImage, request, &v1::GetImageResponse::image,
                      Print);
}

int DeleteImage(const Client& client, const ImageOptions& options) {
  v1::DeleteImageRequest request;
  request.set_image(options.name);
  return CallOnly(client, &Service::Stub::DeleteImage, request);
}

}  // namespace kilonova::cli
