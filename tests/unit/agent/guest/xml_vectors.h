// SPDX-License-Identifier: Apache-2.0
// The vectors of family libvirt_xml as inputs of agent/guest.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "agent/guest/describe.h"
#include "common/base/status.h"

namespace kilonova::testing {

// The host all vectors share, of the kind the vector wants.
agent::core::GuestCapabilities HostOf(const nlohmann::json& family, const nlohmann::json& vector);

agent::guest::GuestConfig ConfigOf(const nlohmann::json& vector);

// Everything but the NUMA topologies. ImageProps' refusal when Nova could not read the image.
Expected<agent::guest::GuestInput> InputOf(const nlohmann::json& family,
                                           const nlohmann::json& vector);

}  // namespace kilonova::testing
