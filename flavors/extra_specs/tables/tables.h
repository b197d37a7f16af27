// SPDX-License-Identifier: Apache-2.0
// The tables, one file per namespace: what Nova 26.2's validators know.
#pragma once

#include <vector>

#include "flavors/extra_specs/spec.h"

namespace kilonova::flavors::extra_specs {

Table AccelTable();
Table AggregateTable();
std::vector<Table> CapabilitiesTables();
Table HwTable();
Table HwRngTable();
Table HwVideoTable();
Table OsTable();
Table PciPassthroughTable();
Table PlainTable();  // without a namespace
Table QuotaTable();
std::vector<Table> ResourcesTables();
std::vector<Table> TraitTables();
Table VmwareTable();

}  // namespace kilonova::flavors::extra_specs
