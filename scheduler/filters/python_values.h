// SPDX-License-Identifier: Apache-2.0
// How Python compares values and what it takes for true.
#pragma once

#include <optional>
#include <string_view>

#include "scheduler/filters/host_attributes.h"

namespace kilonova::scheduler::filters {

bool PyTruth(const PyJson& value);
// True and 1 are equal, 1 and 1.0 are, "1" and 1 are not.
bool PyEquals(const PyJson& a, const PyJson& b);
// a `op` b, op being one of = < > <= >=; nothing where Python raises TypeError. Values are not
// deep: both functions recurse.
std::optional<bool> PyCompare(const PyJson& a, std::string_view op, const PyJson& b);

}  // namespace kilonova::scheduler::filters
