// SPDX-License-Identifier: Apache-2.0
// What may enter: pure checks of what clients send, and names made from it as Nova makes them.
// A refusal is INVALID_ARGUMENT with detail "field".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/model/requests.h"
#include "scheduler/core/conductor.h"

namespace kilonova::scheduler::core {

bool IsUtf8(std::string_view text);
// `least` to `most` bytes of UTF-8 without control characters (C0, DEL, C1).
Status CheckText(std::string_view field, std::string_view text, std::size_t least,
                 std::size_t most);

// As CheckText, 1 to 255 bytes, without a space at either end: Nova's names of things.
Status CheckName(std::string_view field, std::string_view text);
// A name without ':', which parts zone and host.
Status CheckZoneName(std::string_view field, std::string_view text);
Status CheckMetadataKey(std::string_view field, std::string_view key);  // Nova's: [A-Za-z0-9-_:. ]

Status CheckRequestId(std::string_view request_id);  // 1-64 of [A-Za-z0-9._-]
// Everything of a template that can be judged by itself; names of other things are looked up later.
Status CheckTemplate(const InstanceTemplate& instance);
// SHA-256 over everything that decides what the request does, the count included.
std::string DigestOf(const CreateRequest& request);

struct ZoneRequest {
  std::string zone, host, node;
};
// "", "zone", "zone:host", "zone:host:node", "zone::node" (":host" too, as Nova).
Expected<ZoneRequest> ParseZone(std::string_view text);

// IMAGE_INVALID with detail "field"; container_format "bare" when empty. Properties that Nova knows
// must have values it could read.
Status CheckImage(model::ImageSource& image);

// A DNS label out of a display name: Nova's rule. May be empty.
std::string SanitizeHostname(std::string_view name);
struct Names {
  std::string display_name, hostname;
};
// Of instance `index` (0 and up) of `count`.
Names NamesOf(const std::string& name, const Uuid& uuid, std::int64_t count, std::int64_t index);

// Opaque page tokens: what they continue and where, checked.
std::string MakePageToken(std::string_view list, std::string_view last);
Expected<std::string> ReadPageToken(std::string_view list, const std::string& token);
Expected<std::size_t> PageSize(const PageRequest& page);

}  // namespace kilonova::scheduler::core
