// SPDX-License-Identifier: Apache-2.0
// The names Placement counts resources by.
#pragma once

#include <string>
#include <string_view>

namespace kilonova::scheduler::core {

// One of os-resource-classes' standard names, or CUSTOM_ and anything: what an extra spec may ask
// for.
bool IsResourceClass(std::string_view name);

// "pmem-6G" -> "CUSTOM_PMEM_6G": every run of other characters than letters and digits becomes one
// underscore.
std::string CustomResourceClass(std::string_view name);

}  // namespace kilonova::scheduler::core
