// SPDX-License-Identifier: Apache-2.0
// Any text as an image's URL, as what qemu-img prints and as the record beside a cached image.
#include <algorithm>
#include <string>

#include "agent/adapters/images/image_url.h"
#include "agent/adapters/images/records.h"
#include "tests/fuzz/require.h"

namespace {

using namespace kilonova::agent::adapters::images;  // NOLINT(google-build-using-namespace)
using kilonova::fuzz::Require;

void CheckPath(const std::filesystem::path& path) {
  Require(path.is_absolute() && path.string().find('\0') == std::string::npos);
  Require(std::none_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(kilonova::fuzz::Text(data, size));
  if (const auto path = PathOfFileUrl(text); path.ok()) CheckPath(*path);
  HttpOptions options;
  options.denied_hosts = {"denied.example"};
  if (const auto url = CheckHttpUrl(text, options); url.ok()) {
    Require(url->scheme == "http" || url->scheme == "https");
    Require(!url->host.empty() && url->host != "denied.example" && SameOrigin(*url, *url));
  }
  static_cast<void>(ParseQemuImgInfo(text));
  if (const auto record = ParseCacheRecord(text)) {
    const auto again = ParseCacheRecord(FormatCacheRecord(*record));
    Require(again && again->format == record->format && again->file_size == record->file_size &&
            again->virtual_size == record->virtual_size);
  }
  return 0;
}
