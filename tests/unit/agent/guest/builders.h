// SPDX-License-Identifier: Apache-2.0
// Requests of the tests of agent/guest.
#pragma once

#include <string>

#include "agent/guest/request.h"

namespace kilonova::testing {

Uuid Id(std::string_view text);
agent::guest::GuestConfig PlainConfig();
agent::core::CachedImage PlainBase();
model::BuildRequest PlainRequest();
model::NicRequest PlainNic();
// A host with UEFI firmware, with and without secure boot.
agent::core::HostFacts UefiHost();
// The request described for a host of which nothing is known, or for `facts`.
Expected<agent::guest::Domain> Described(const agent::guest::GuestConfig& config,
                                         const model::BuildRequest& request,
                                         const agent::core::HostFacts& facts = {});
// XML of the request, or the error's description.
std::string XmlOrError(const agent::guest::GuestConfig& config, const model::BuildRequest& request,
                       const agent::core::HostFacts& facts = {});

}  // namespace kilonova::testing
