// SPDX-License-Identifier: Apache-2.0
// Refusals of this library. Each carries, beside its Reason, the class of the exception that Nova
// raises in the same place, as detail "nova_exception": stable, and what Nova-facing code maps by.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"

namespace kilonova::hardware {

inline constexpr std::string_view kNovaException = "nova_exception";

// A flavor (FLAVOR_INVALID) or an image (IMAGE_INVALID) that cannot be served, or both at odds with
// each other: then the image is to blame. `field` is the extra spec or property to look at.
Status FlavorRefused(std::string_view nova_exception, std::string_view field,
                     std::string_view message);
Status ImageRefused(std::string_view nova_exception, std::string_view field,
                    std::string_view message);
// Host and instance disagree (HOST_RESOURCES_EXHAUSTED, FAILED_PRECONDITION).
Status HostRefused(std::string_view nova_exception, std::string_view message);

// The detail, or "" for a status from elsewhere.
std::string NovaExceptionOf(const Status& status);

}  // namespace kilonova::hardware
