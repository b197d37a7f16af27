// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/agent/adapters/images/image_vectors.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace kilonova::testing {
namespace {

std::string DecodeBase64(const std::string& text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) continue;  // padding
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) out += static_cast<char>((bits >> (count -= 8)) & 0xff);
  }
  return out;
}

std::string MakeFile(const nlohmann::json& recipe) {
  std::string file(recipe.at("truncate").get<std::size_t>(), '\0');
  if (recipe.contains("fills")) {
    for (const auto& fill : recipe.at("fills")) {
      file.replace(fill.at(0).get<std::size_t>(), fill.at(1).get<std::size_t>(),
                   fill.at(1).get<std::size_t>(), static_cast<char>(fill.at(2).get<int>()));
    }
  }
  for (const auto& write : recipe.at("writes")) {
    const std::string bytes = DecodeBase64(write.at(1).get<std::string>());
    file.replace(write.at(0).get<std::size_t>(), bytes.size(), bytes);
  }
  return file;
}

std::string StringOrEmpty(const nlohmann::json& value) {
  return value.is_null() ? std::string() : value.get<std::string>();
}

}  // namespace

struct ImageVectorReader::State {
  nlohmann::json vectors;
  std::size_t next = 0;
};

ImageVectorReader::ImageVectorReader() : state_(new State) {
  const char* given = std::getenv("KILONOVA_VECTORS");
  const std::string dir =
      given != nullptr && *given != '\0' ? given : KILONOVA_SOURCE_DIR "/tests/vectors";
  std::ifstream file(dir + "/images.json");
  if (!file) throw std::runtime_error("no images.json in " + dir);
  state_->vectors = nlohmann::json::parse(file).at("vectors");
}

ImageVectorReader::~ImageVectorReader() { delete state_; }

std::optional<ImageVector> ImageVectorReader::Next() {
  if (state_->next == state_->vectors.size()) return std::nullopt;
  const nlohmann::json& v = state_->vectors.at(state_->next++);
  const nlohmann::json& expect = v.at("expect");
  ImageVector out;
  out.id = v.at("id");
  out.why = v.at("why");
  out.claimed_format = v.at("claimed_format");
  out.detected_format = StringOrEmpty(expect.at("detected_format"));
  out.matches = expect.at("matches").get<std::vector<std::string>>();
  out.safe = expect.at("safe");
  out.stage = StringOrEmpty(expect.at("stage"));
  out.failed_checks = expect.at("failed_checks").get<std::vector<std::string>>();
  const nlohmann::json& size = expect.at("virtual_size");
  if (out.safe && size.is_number()) out.virtual_size = size.get<std::uint64_t>();
  out.content = MakeFile(v.at("recipe"));
  out.sha256 = v.at("recipe").at("sha256");
  return out;
}

}  // namespace kilonova::testing
