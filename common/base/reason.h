// SPDX-License-Identifier: Apache-2.0
// Every stable reason this project may give for a refusal or a failure. A reason is API: it is
// never renamed, it becomes google.rpc.ErrorInfo.reason on gRPC, `fault.code` of an instance and
// the counter label of a refused message. The text beside it may change.
#pragma once

#include <string_view>

namespace kilonova {

struct Reason {
  std::string_view name;  // UPPER_SNAKE
  friend constexpr bool operator==(Reason, Reason) = default;
};

namespace reason {
// Any request.
inline constexpr Reason kInternal{"INTERNAL"};
inline constexpr Reason kInvalidArgument{"INVALID_ARGUMENT"};
inline constexpr Reason kRequestIdReused{"REQUEST_ID_REUSED"};  // same id, other payload
inline constexpr Reason kUnavailable{"UNAVAILABLE"};
inline constexpr Reason kDeadlineExceeded{"DEADLINE_EXCEEDED"};
inline constexpr Reason kCursorExpired{"CURSOR_EXPIRED"};
inline constexpr Reason kPageTokenInvalid{"PAGE_TOKEN_INVALID"};
inline constexpr Reason kConfigInvalid{"CONFIG_INVALID"};

// Things that do not exist, exist already, or are in use.
inline constexpr Reason kInstanceNotFound{"INSTANCE_NOT_FOUND"};
inline constexpr Reason kInstanceStateConflict{"INSTANCE_STATE_CONFLICT"};
inline constexpr Reason kFlavorNotFound{"FLAVOR_NOT_FOUND"};
inline constexpr Reason kFlavorExists{"FLAVOR_EXISTS"};
inline constexpr Reason kFlavorInvalid{"FLAVOR_INVALID"};
inline constexpr Reason kFlavorMismatch{"FLAVOR_MISMATCH"};  // request differs from its template
inline constexpr Reason kImageNotFound{"IMAGE_NOT_FOUND"};
inline constexpr Reason kImageExists{"IMAGE_EXISTS"};
inline constexpr Reason kImageInvalid{"IMAGE_INVALID"};
inline constexpr Reason kNetworkNotFound{"NETWORK_NOT_FOUND"};
inline constexpr Reason kNetworkExists{"NETWORK_EXISTS"};
inline constexpr Reason kNetworkInvalid{"NETWORK_INVALID"};
inline constexpr Reason kNetworkInUse{"NETWORK_IN_USE"};
inline constexpr Reason kNetworkAddressesExhausted{"NETWORK_ADDRESSES_EXHAUSTED"};
inline constexpr Reason kAggregateNotFound{"AGGREGATE_NOT_FOUND"};
inline constexpr Reason kAggregateExists{"AGGREGATE_EXISTS"};
inline constexpr Reason kAggregateHostExists{"AGGREGATE_HOST_EXISTS"};
inline constexpr Reason kAggregateHostNotFound{"AGGREGATE_HOST_NOT_FOUND"};
inline constexpr Reason kAggregateConflict{"AGGREGATE_CONFLICT"};  // zones, hosts, instances
inline constexpr Reason kServerGroupNotFound{"SERVER_GROUP_NOT_FOUND"};
inline constexpr Reason kQuotaExceeded{"QUOTA_EXCEEDED"};
inline constexpr Reason kHostNotFound{"HOST_NOT_FOUND"};
inline constexpr Reason kHostDown{"HOST_DOWN"};
inline constexpr Reason kHostIdentityMismatch{"HOST_IDENTITY_MISMATCH"};

// Placement.
inline constexpr Reason kNoValidHost{"NO_VALID_HOST"};
inline constexpr Reason kMaxRetriesExceeded{"MAX_RETRIES_EXCEEDED"};
inline constexpr Reason kClaimStale{"CLAIM_STALE"};      // generation moved on: do not start
inline constexpr Reason kClaimMissing{"CLAIM_MISSING"};  // a build with no claim
inline constexpr Reason kHostUnroutable{"HOST_UNROUTABLE"};
inline constexpr Reason kHostResourcesExhausted{"HOST_RESOURCES_EXHAUSTED"};

// Images on a host.
inline constexpr Reason kImageUnsafe{"IMAGE_UNSAFE"};
inline constexpr Reason kImageFormatMismatch{"IMAGE_FORMAT_MISMATCH"};
inline constexpr Reason kImageFormatNotServed{"IMAGE_FORMAT_NOT_SERVED"};
inline constexpr Reason kImageChecksumMismatch{"IMAGE_CHECKSUM_MISMATCH"};
inline constexpr Reason kImageTooBigForFlavor{"IMAGE_TOO_BIG_FOR_FLAVOR"};
inline constexpr Reason kImageFetchFailed{"IMAGE_FETCH_FAILED"};  // http status, stall, refused
inline constexpr Reason kImageSourceForbidden{"IMAGE_SOURCE_FORBIDDEN"};
inline constexpr Reason kFlavorDiskTooSmall{"FLAVOR_DISK_TOO_SMALL"};
inline constexpr Reason kFlavorMemoryTooSmall{"FLAVOR_MEMORY_TOO_SMALL"};

// Building and running on a host.
inline constexpr Reason kHostDiskFull{"HOST_DISK_FULL"};
inline constexpr Reason kHostNetworkMissing{"HOST_NETWORK_MISSING"};
inline constexpr Reason kHypervisorUnavailable{"HYPERVISOR_UNAVAILABLE"};
inline constexpr Reason kHypervisorRefused{"HYPERVISOR_REFUSED"};
inline constexpr Reason kDomainNotFound{"DOMAIN_NOT_FOUND"};
inline constexpr Reason kGuestCrashed{"GUEST_CRASHED"};
inline constexpr Reason kConfigDriveFailed{"CONFIG_DRIVE_FAILED"};
inline constexpr Reason kFeatureNotServed{"FEATURE_NOT_SERVED"};  // e.g. volumes, pinning: not yet
inline constexpr Reason kBuildAbandoned{"BUILD_ABANDONED"};  // poison: crashed the agent repeatedly
inline constexpr Reason kJournalFailed{"JOURNAL_FAILED"};

// The broker.
inline constexpr Reason kBrokerUnavailable{"BROKER_UNAVAILABLE"};  // lost, not reached, too slow
inline constexpr Reason kBrokerRefused{"BROKER_REFUSED"};  // login, certificate, declaration

// Messages.
inline constexpr Reason kMessageTooLarge{"MESSAGE_TOO_LARGE"};
inline constexpr Reason kMessageMalformed{"MESSAGE_MALFORMED"};  // not JSON, bad UTF-8, wrong shape
inline constexpr Reason kMessageTooDeep{"MESSAGE_TOO_DEEP"};
inline constexpr Reason kMessageDuplicateKey{"MESSAGE_DUPLICATE_KEY"};
inline constexpr Reason kEnvelopeVersion{"ENVELOPE_VERSION"};
inline constexpr Reason kRpcMethodUnknown{"RPC_METHOD_UNKNOWN"};
inline constexpr Reason kRpcVersionUnsupported{"RPC_VERSION_UNSUPPORTED"};
inline constexpr Reason kObjectUnknown{"OBJECT_UNKNOWN"};
inline constexpr Reason kObjectVersionIncompatible{"OBJECT_VERSION_INCOMPATIBLE"};
inline constexpr Reason kObjectInvalid{"OBJECT_INVALID"};
inline constexpr Reason kMessageConflict{"MESSAGE_CONFLICT"};  // same id, other payload
}  // namespace reason
}  // namespace kilonova
