// SPDX-License-Identifier: Apache-2.0
#include "common/model/flavor.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "common/base/hash.h"
#include "common/base/unicode.h"

namespace kilonova::model {
namespace {

constexpr std::int64_t kMaxInt = 0x7FFFFFFF;  // Nova's DB integer
constexpr double kMaxRxtx = 3.40282e+38;      // Nova's SQL_SP_FLOAT_MAX
constexpr const char* kAbsent = "(absent)";

std::string Shortest(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

// Length-prefixed, so that no two different lists of fields read the same.
void Append(std::string* out, std::string_view field) {
  *out += std::to_string(field.size());
  *out += ':';
  *out += field;
}

Status Invalid(std::string_view field, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kFlavorInvalid,
               std::string("flavor ") + std::string(field) + " " + std::string(message),
               {{"field", std::string(field)}});
}

bool IsNameText(std::string_view text) {
  if (text.empty() || CodePoints(text) > 255) return false;
  if (text.front() == ' ' || text.back() == ' ') return false;
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

bool IsFlavorId(std::string_view text) {
  return IsNameText(text) && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-' || c == ' ';
         });
}

}  // namespace

std::string Flavor::ContentHash() const {
  std::string text = "flavor/1";
  for (const std::string& field :
       {flavorid, name, std::to_string(vcpus), std::to_string(memory_mb), std::to_string(root_gb),
        std::to_string(ephemeral_gb), std::to_string(swap_mb), Shortest(rxtx_factor)}) {
    Append(&text, field);
  }
  for (const auto& [key, value] : extra_specs) {
    Append(&text, key);
    Append(&text, value);
  }
  return Sha256Hex(text);
}

std::vector<FieldDifference> DiffFlavors(const Flavor& have, const Flavor& want) {
  std::vector<FieldDifference> out;
  const auto compare = [&out](const char* field, const std::string& a, const std::string& b) {
    if (a != b) out.push_back({field, a, b});
  };
  compare("flavorid", have.flavorid, want.flavorid);
  compare("name", have.name, want.name);
  compare("vcpus", std::to_string(have.vcpus), std::to_string(want.vcpus));
  compare("memory_mb", std::to_string(have.memory_mb), std::to_string(want.memory_mb));
  compare("root_gb", std::to_string(have.root_gb), std::to_string(want.root_gb));
  compare("ephemeral_gb", std::to_string(have.ephemeral_gb), std::to_string(want.ephemeral_gb));
  compare("swap", std::to_string(have.swap_mb), std::to_string(want.swap_mb));
  compare("rxtx_factor", Shortest(have.rxtx_factor), Shortest(want.rxtx_factor));
  std::set<std::string> keys;
  for (const auto& [key, value] : have.extra_specs) keys.insert(key);
  for (const auto& [key, value] : want.extra_specs) keys.insert(key);
  for (const std::string& key : keys) {
    const auto a = have.extra_specs.find(key);
    const auto b = want.extra_specs.find(key);
    compare(("extra_specs." + key).c_str(), a == have.extra_specs.end() ? kAbsent : a->second,
            b == want.extra_specs.end() ? kAbsent : b->second);
  }
  return out;
}

Status ValidateFlavor(const Flavor& flavor) {
  if (!IsNameText(flavor.name)) {
    return Invalid("name",
                   "must be 1 to 255 characters without control characters or outer spaces");
  }
  if (!IsFlavorId(flavor.flavorid)) {
    return Invalid("flavorid", "must be 1 to 255 characters of letters, digits, space . _ -");
  }
  const auto in = [](std::int64_t value, std::int64_t least) {
    return value >= least && value <= kMaxInt;
  };
  if (!in(flavor.vcpus, 1)) return Invalid("vcpus", "must be 1 to 2147483647");
  if (!in(flavor.memory_mb, 1)) return Invalid("memory_mb", "must be 1 to 2147483647 MiB");
  if (!in(flavor.root_gb, 0)) return Invalid("root_gb", "must be 0 to 2147483647 GiB");
  if (!in(flavor.ephemeral_gb, 0)) return Invalid("ephemeral_gb", "must be 0 to 2147483647 GiB");
  if (!in(flavor.swap_mb, 0)) return Invalid("swap", "must be 0 to 2147483647 MiB");
  if (!std::isfinite(flavor.rxtx_factor) || flavor.rxtx_factor <= 0 ||
      flavor.rxtx_factor > kMaxRxtx) {
    return Invalid("rxtx_factor", "must be above 0 and at most 3.40282e+38");
  }
  if (CodePoints(flavor.description) > 65535) return Invalid("description", "is longer than 65535");
  // As many as a host reads out of a message.
  if (flavor.extra_specs.size() > 512) return Invalid("extra_specs", "must be 512 at most");
  for (const auto& [key, value] : flavor.extra_specs) {
    if (key.empty() || CodePoints(key) > 255 || CodePoints(value) > 255) {
      return Invalid("extra_specs." + key.substr(0, 64), "key and value must be 255 at most");
    }
  }
  return OkStatus();
}

}  // namespace kilonova::model
