// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/placement.h"

namespace kilonova::scheduler::core {

model::Resources ResourcesOf(const PlacementRequest& request) {
  if (request.resource_request != nullptr) return request.resource_request->MergedResources();
  return request.resources.empty() ? model::ResourcesOf(request.flavor) : request.resources;
}

}  // namespace kilonova::scheduler::core
