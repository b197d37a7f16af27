// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/records.h"

#include <nlohmann/json.hpp>

namespace kilonova::agent::adapters::images {
namespace {

using nlohmann::json;

std::optional<json> ParseObject(std::string_view text) {
  json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return std::nullopt;
  return parsed;
}

std::optional<std::uint64_t> Number(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<std::string> Text(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

bool HasDataFile(const json& info) {
  const auto specific = info.find("format-specific");
  if (specific == info.end() || !specific->is_object()) return false;
  const auto data = specific->find("data");
  return data != specific->end() && data->is_object() && data->contains("data-file");
}

}  // namespace

std::optional<QemuImgInfo> ParseQemuImgInfo(std::string_view text) {
  const std::optional<json> info = ParseObject(text);
  if (!info) return std::nullopt;
  const auto name = Text(*info, "format");
  const auto size = Number(*info, "virtual-size");
  if (!name || !size) return std::nullopt;
  const bool backed = info->contains("backing-filename") || info->contains("full-backing-filename");
  return QemuImgInfo{*name, *size, backed || HasDataFile(*info)};
}

std::string FormatCacheRecord(const CacheRecord& record) {
  return json{{"format", record.format},
              {"virtual_size", record.virtual_size},
              {"file_size", record.file_size}}
             .dump() +
         "\n";
}

std::optional<CacheRecord> ParseCacheRecord(std::string_view text) {
  const std::optional<json> record = ParseObject(text);
  if (!record) return std::nullopt;
  const auto name = Text(*record, "format");
  const auto virtual_size = Number(*record, "virtual_size");
  const auto file_size = Number(*record, "file_size");
  if (!name || !virtual_size || !file_size) return std::nullopt;
  return CacheRecord{*name, *virtual_size, *file_size};
}

}  // namespace kilonova::agent::adapters::images
