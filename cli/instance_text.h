// SPDX-License-Identifier: Apache-2.0
// How instances read in a terminal, and how a template is filled from the command line.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"
#include "common/base/status.h"

namespace kilonova::v1 {
class Instance;
class InstanceTemplate;
}  // namespace kilonova::v1

namespace kilonova::cli {

std::string InstanceTable(const std::vector<v1::Instance>& instances);
std::string InstanceText(const v1::Instance& instance);
// "ACTIVE", or "BUILDING (spawning)" while something is going on.
std::string StateText(const v1::Instance& instance);
Status FillTemplate(const TemplateOptions& options, v1::InstanceTemplate* out);

}  // namespace kilonova::cli
