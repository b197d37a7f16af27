// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/resource_request/resource_class.h"

#include <absl/strings/ascii.h>

#include "common/model/standard_names.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::string_view kCustom = "CUSTOM_";

}  // namespace

bool IsResourceClass(std::string_view name) {
  return name.starts_with(kCustom) || model::IsStandardResourceClass(name);
}

std::string CustomResourceClass(std::string_view name) {
  std::string text(kCustom);
  bool in_word = true;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte)) {
      text += absl::ascii_toupper(byte);
      in_word = true;
    } else if (in_word) {
      text += '_';
      in_word = false;
    }
  }
  return text;
}

}  // namespace kilonova::scheduler::core
