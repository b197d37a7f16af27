// SPDX-License-Identifier: Apache-2.0
// Requests of the tests of agent/guest.
#pragma once

#include <string>

#include "agent/guest/domain.h"

namespace kilonova::testing {

Uuid Id(std::string_view text);
agent::guest::GuestConfig PlainConfig();
agent::core::CachedImage PlainBase();
model::BuildRequest PlainRequest();
model::NicRequest PlainNic();
// XML of the request, or the error's description.
std::string XmlOrError(const agent::guest::GuestConfig& config, const model::BuildRequest& request);

}  // namespace kilonova::testing
