// SPDX-License-Identifier: Apache-2.0
// Text as Python reads it lives in common/base; these are its names within this namespace.
#pragma once

#include "common/base/python_text.h"

namespace kilonova::scheduler::core {

using kilonova::PyFloat;
using kilonova::PyRepr;
using kilonova::PySplit;
using kilonova::PySplitComma;
using kilonova::PyStrip;

}  // namespace kilonova::scheduler::core
