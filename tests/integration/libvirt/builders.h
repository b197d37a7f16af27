// SPDX-License-Identifier: Apache-2.0
// Requests and domains of the tests against libvirt.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "agent/guest/metadata.h"
#include "agent/guest/request.h"
#include "common/model/requests.h"

namespace kilonova::testing {

inline constexpr const char* kHost = "host-a";

// The smallest guest: 64 MiB, no NIC, an empty disk it cannot boot from.
model::BuildRequest SmallGuest(std::int64_t id);
agent::guest::GuestConfig GuestConfigIn(const std::filesystem::path& directory);
// Makes the guest's directory and root disk on `base`; the base too where it is not there.
void MakeDisks(const agent::guest::GuestConfig& config, const model::BuildRequest& request,
               const agent::core::CachedImage& base);
agent::core::CachedImage BaseIn(const std::filesystem::path& directory);
std::string XmlOf(const agent::guest::GuestConfig& config, const model::BuildRequest& request,
                  const agent::core::CachedImage& base);
// Runs a program; throws with its output when it fails.
std::string MustRun(const std::string& command);
// True once `condition` holds; false when it never did.
// Longer than anything takes, on a machine that does ten other things too.
constexpr std::chrono::seconds kPatience{60};
bool Within(std::chrono::milliseconds time, const std::function<bool()>& condition);

}  // namespace kilonova::testing
