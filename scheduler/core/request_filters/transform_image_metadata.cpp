// SPDX-License-Identifier: Apache-2.0
// What the image wants its devices to be, a host must be able to emulate.
#include <absl/strings/ascii.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/hardware/image_props.h"
#include "common/model/standard_names.h"
#include "scheduler/core/request_filters/request_filter.h"

namespace kilonova::scheduler::core {

Status TransformImageMetadata(const RequestFilterInput& input, ResourceRequestSpec& spec) {
  if (!input.options.image_metadata_prefilter) return OkStatus();
  // Of hw_viommu_model Nova makes names os-traits does not have, so that the property switches the
  // whole filter off.
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kPrefixes = {{
      {"hw_cdrom_bus", "COMPUTE_STORAGE_BUS"},
      {"hw_disk_bus", "COMPUTE_STORAGE_BUS"},
      {"hw_video_model", "COMPUTE_GRAPHICS_MODEL"},
      {"hw_vif_model", "COMPUTE_NET_VIF_MODEL"},
      {"hw_architecture", "HW_ARCH"},
      {"hw_emulation_architecture", "COMPUTE_ARCH"},
      {"hw_viommu_model", "COMPUTE_VIOMMU"},
  }};
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(spec.image_properties));
  TraitNames traits;
  for (const auto& [property, prefix] : kPrefixes) {
    const auto value = image.Text(property);
    if (!value) continue;
    std::string trait = std::string(prefix) + "_" + absl::AsciiStrToUpper(std::string(*value));
    std::ranges::replace(trait, '-', '_');
    if (!model::IsStandardTrait(trait)) return OkStatus();
    traits.insert(std::move(trait));
  }
  spec.request_level_params.root_required.merge(traits);
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
