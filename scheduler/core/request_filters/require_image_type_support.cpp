// SPDX-License-Identifier: Apache-2.0
// Hosts must be able to boot the format the image is in.
#include <absl/strings/ascii.h>

#include "common/model/standard_names.h"
#include "scheduler/core/request_filters/request_filter.h"

namespace kilonova::scheduler::core {

Status RequireImageTypeSupport(const RequestFilterInput& input, ResourceRequestSpec& spec) {
  if (!input.options.query_placement_for_image_type_support || spec.is_bfv) return OkStatus();
  const std::string trait =
      "COMPUTE_IMAGE_TYPE_" + absl::AsciiStrToUpper(std::string(input.disk_format));
  if (model::IsStandardTrait(trait)) spec.request_level_params.root_required.insert(trait);
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
