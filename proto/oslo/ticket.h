// SPDX-License-Identifier: Apache-2.0
// Kilonova's one addition to Nova's messages: the ticket (docs/formats/queue.md).
#pragma once

#include <map>
#include <string>

#include "common/base/status.h"
#include "common/model/requests.h"
#include "proto/oslo/json.h"
#include "proto/oslo/reader.h"

namespace kilonova::oslo {

inline constexpr std::string_view kTicketKey = "kilonova";                 // in filter_properties
inline constexpr std::string_view kGenerationKey = "kilonova_generation";  // in system_metadata
inline constexpr std::string_view kClaimKey = "kilonova_claim_id";

struct Ticket {
  model::ClaimTicket claim;
  std::string request_id, flavor_hash;
};

// The claim in a build's ticket: CLAIM_MISSING for anything wrong with it.
Expected<Ticket> ReadClaim(const Json& ticket, std::string_view request_id);
// The rest of the ticket, into `build`; problems are noted in the reader's status.
void ReadTicketContents(Reader ticket, model::BuildRequest* build);
Json WriteTicket(const model::BuildRequest& build, const std::string& request_id);

// The claim in the system_metadata of an instance that is there already.
Expected<model::ClaimTicket> ReadClaim(const std::map<std::string, std::string>& system_metadata);

}  // namespace kilonova::oslo
