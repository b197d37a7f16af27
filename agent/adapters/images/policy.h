// SPDX-License-Identifier: Apache-2.0
// From what an inspection found to what the owner is told, and from a claim to how it is served.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/adapters/images/inspector/verdict.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

// "qcow2" or "raw": the format every tool is told for an image of this claim (kernels, ramdisks and
// Amazon machine images are raw bytes). IMAGE_FORMAT_NOT_SERVED when the claim is not in `served`.
Expected<std::string> ServedAs(std::string_view claimed_format,
                               const std::set<std::string>& served);

// OK for a safe image; else IMAGE_FORMAT_MISMATCH (detail "detected") when the claim is wrong,
// whatever else is, and IMAGE_UNSAFE (detail "check", the first broken rule) otherwise.
Status ExplainVerdict(const Verdict& verdict, std::string_view claimed_format);

}  // namespace kilonova::agent::adapters::images
