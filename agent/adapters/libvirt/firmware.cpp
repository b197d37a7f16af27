// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/firmware.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/base/log.h"

namespace kilonova::agent::adapters::libvirt {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{256} * 1024;
constexpr int kMostDepth = 16;
constexpr std::size_t kMostFiles = 256;

Status Malformed(std::string_view what) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument,
               "a firmware descriptor cannot be read", {{kOperatorDetail, std::string(what)}});
}

std::vector<std::string> Texts(const json& array) { return array.get<std::vector<std::string>>(); }

// Throws json::exception for what is missing or of another type.
Expected<core::FirmwareDescriptor> FromJson(const json& in) {
  const json& mapping = in.at("mapping");
  if (mapping.at("device").get<std::string>() != "flash") return Malformed("not a flash device");
  core::FirmwareDescriptor out;
  out.executable = mapping.at("executable").at("filename").get<std::string>();
  if (mapping.contains("nvram-template")) {
    out.nvram_template = mapping.at("nvram-template").at("filename").get<std::string>();
  }
  for (const json& target : in.at("targets")) {
    out.targets.push_back(
        {target.at("architecture").get<std::string>(), Texts(target.at("machines"))});
  }
  out.features = Texts(in.at("features"));
  return out;
}

}  // namespace

Expected<core::FirmwareDescriptor> ParseFirmwareDescriptor(std::string_view text) {
  if (text.size() > kMostBytes) return Malformed("too long");
  try {
    const auto shallow = [](int depth, json::parse_event_t, json&) {
      if (depth > kMostDepth) throw std::length_error("too deep");
      return true;
    };
    return FromJson(json::parse(text, shallow));
  } catch (const std::exception& e) {
    return Malformed(e.what());
  }
}

std::vector<core::FirmwareDescriptor> ReadFirmwareDescriptors(
    const std::vector<fs::path>& directories) {
  std::vector<core::FirmwareDescriptor> all;
  for (const fs::path& directory : directories) {
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
      if (it->path().extension() == ".json" && files.size() < kMostFiles) {
        files.push_back(it->path());
      }
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) {
      std::ifstream in(file, std::ios::binary);
      std::string text(kMostBytes + 1, '\0');
      in.read(text.data(), static_cast<std::streamsize>(text.size()));
      text.resize(static_cast<std::size_t>(in.gcount()));
      auto descriptor = ParseFirmwareDescriptor(text);
      if (descriptor.ok()) {
        all.push_back(*std::move(descriptor));
      } else {
        LogDebug("passed over a firmware descriptor",
                 {F("file", file.string()), F("why", descriptor.status())});
      }
    }
  }
  return all;
}

}  // namespace kilonova::agent::adapters::libvirt
