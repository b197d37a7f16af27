// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/resource_request/request_group.h"

#include "common/base/python_text.h"
#include "scheduler/core/resource_request/resource_class.h"

namespace kilonova::scheduler::core {

void RequestGroup::AddResource(std::string_view resource_class, std::string_view amount) {
  if (!IsResourceClass(resource_class)) return;
  const auto number = PyInt(amount);
  if (!number || *number < 0) return;
  constexpr std::int64_t kTooMany = std::int64_t{1} << 31;
  resources.insert_or_assign(std::string(resource_class), std::min(*number, kTooMany));
}

void RequestGroup::AddTrait(std::string_view trait, std::string_view type) {
  if (type == "required") required_traits.emplace(trait);
  if (type == "forbidden") forbidden_traits.emplace(trait);
}

bool RequestGroup::IsEmpty() const {
  return resources.empty() && required_traits.empty() && forbidden_traits.empty() &&
         any_traits.empty() && aggregates.empty() && forbidden_aggregates.empty();
}

void RequestGroup::StripZeros() {
  std::erase_if(resources, [](const auto& entry) { return entry.second == 0; });
}

}  // namespace kilonova::scheduler::core
