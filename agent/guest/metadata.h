// SPDX-License-Identifier: Apache-2.0
// What a guest is told about itself: the files of the config drive, as Nova writes them.
#pragma once

#include <string>
#include <vector>

#include "agent/core/image_store.h"
#include "agent/guest/config.h"
#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::guest {

// True when the guest gets a config drive: asked for, forced by the host, or demanded by the image
// (img_config_drive=mandatory).
bool WantsConfigDrive(const GuestConfig& config, const model::BuildRequest& request);

// openstack/<version>/{meta_data.json,network_data.json,vendor_data.json,vendor_data2.json,
// user_data} for every version Nova has and "latest", each with what that version had. `seed` is
// 512 random bytes. ec2/{2009-04-04,latest}/{meta-data.json,user-data} beside them.
// INVALID_ARGUMENT when user_data is not base64 or a text is not UTF-8.
Expected<std::vector<core::ConfigDriveFile>> ConfigDriveFiles(const GuestConfig& config,
                                                              const model::BuildRequest& request,
                                                              const std::string& seed);

// 512 bytes from the system's random source.
std::string NewRandomSeed();

}  // namespace kilonova::agent::guest
