// SPDX-License-Identifier: Apache-2.0
#include "agent/core/template_check.h"

namespace kilonova::agent::core {

Status CompareWithTemplate(const model::Flavor& have, const model::Flavor& want) {
  const auto differences = model::DiffFlavors(have, want);
  if (differences.empty()) return OkStatus();
  Status status = Error(Code::kFailedPrecondition, reason::kFlavorMismatch,
                        "the request's flavor differs from the template of that name");
  for (const model::FieldDifference& difference : differences) {
    status = WithDetail(status, difference.field,
                        "request has " + difference.have + ", template has " + difference.want);
  }
  return status;
}

Status CheckImageFitsFlavor(const model::BuildRequest& build) {
  if (build.image.min_ram_mb > build.flavor.memory_mb) {
    return Error(Code::kInvalidArgument, reason::kFlavorMemoryTooSmall,
                 "the image needs more memory than the flavor has",
                 {{"min_ram_mb", std::to_string(build.image.min_ram_mb)},
                  {"memory_mb", std::to_string(build.flavor.memory_mb)}});
  }
  if (build.flavor.root_gb > 0 && build.image.min_disk_gb > build.flavor.root_gb) {
    return Error(Code::kInvalidArgument, reason::kFlavorDiskTooSmall,
                 "the image needs a larger root disk than the flavor has",
                 {{"min_disk_gb", std::to_string(build.image.min_disk_gb)},
                  {"root_gb", std::to_string(build.flavor.root_gb)}});
  }
  return OkStatus();
}

}  // namespace kilonova::agent::core
