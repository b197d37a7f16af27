// SPDX-License-Identifier: Apache-2.0
// Encrypted ephemeral disks need a host that can make them, in the format asked for.
#include <absl/strings/ascii.h>

#include "common/base/python_text.h"
#include "common/hardware/errors.h"
#include "common/hardware/image_props.h"
#include "scheduler/core/request_filters/request_filter.h"

namespace kilonova::scheduler::core {

Status EphemeralEncryptionFilter(const RequestFilterInput& /*input*/, ResourceRequestSpec& spec) {
  const auto text = [&](const char* name) -> std::optional<std::string> {
    const auto found = spec.flavor.extra_specs.find(name);
    if (found == spec.flavor.extra_specs.end()) return std::nullopt;
    return found->second;
  };
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(spec.image_properties));
  const auto flavor_text = text("hw:ephemeral_encryption");
  const auto image_flag = image.Flag("hw_ephemeral_encryption");
  const bool flavor_flag = flavor_text && PyBool(*flavor_text);
  if (flavor_text && image_flag && flavor_flag != *image_flag) {
    return hardware::ImageRefused("FlavorImageConflict", "hw_ephemeral_encryption",
                                  "flavor and image differ about ephemeral encryption");
  }
  if (!flavor_flag && !image_flag.value_or(false)) return OkStatus();
  spec.request_level_params.root_required.insert("COMPUTE_EPHEMERAL_ENCRYPTION");

  std::string format = text("hw:ephemeral_encryption_format").value_or("");
  const std::string wanted(image.Text("hw_ephemeral_encryption_format").value_or(""));
  if (!format.empty() && !wanted.empty() && format != wanted) {
    return hardware::ImageRefused("FlavorImageConflict", "hw_ephemeral_encryption_format",
                                  "flavor and image differ about the format of encryption");
  }
  if (format.empty()) format = wanted;
  if (format.empty()) return OkStatus();
  if (format != "luks" && format != "luksv2" && format != "plain") {
    return hardware::FlavorRefused("Invalid", "hw:ephemeral_encryption_format",
                                   "no such format of encryption");
  }
  spec.request_level_params.root_required.insert("COMPUTE_EPHEMERAL_ENCRYPTION_" +
                                                 absl::AsciiStrToUpper(format));
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
