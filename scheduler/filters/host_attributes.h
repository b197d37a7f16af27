// SPDX-License-Identifier: Apache-2.0
// Nova's HostState, attribute by attribute, as the Python values its rules see.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "scheduler/core/fleet.h"

namespace kilonova::scheduler::filters {

// Ordered, as Python's dict keeps the order of the text. Null is None, and a binary value some
// Python object of which nothing is known but that it is there.
using PyJson = nlohmann::ordered_json;

struct HostAttribute {
  std::string_view name;
  PyJson (*get)(const core::Fleet&, core::HostIndex);
};

// Null for what HostState does not have, and for what begins with an underscore: Python's own.
const HostAttribute* FindHostAttribute(std::string_view name);

}  // namespace kilonova::scheduler::filters
