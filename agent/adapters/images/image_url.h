// SPDX-License-Identifier: Apache-2.0
// Image URLs and the addresses behind them. What is not plainly allowed is IMAGE_SOURCE_FORBIDDEN.
#pragma once

#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "agent/adapters/images/options.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

enum class Scheme { kFile, kHttp, kHttps };

Expected<Scheme> SchemeOf(std::string_view url);

// The path of file:///absolute/path, percent-decoded. Refuses a host, "..", NUL, query, fragment.
Expected<std::filesystem::path> PathOfFileUrl(std::string_view url);

struct HttpUrl {
  std::string scheme, host, port;  // host in lower case
};

// Refuses user names and passwords, other schemes, and hosts the options forbid.
Expected<HttpUrl> CheckHttpUrl(const std::string& url, const HttpOptions& options);

// Whether a redirect may lead from one to the other: the same host, never from https to http.
bool SameOrigin(const HttpUrl& from, const HttpUrl& to);

// True for an address an image may come from. Multicast, unspecified and broadcast never are.
bool AddressAllowed(const sockaddr* address, const HttpOptions& options);

}  // namespace kilonova::agent::adapters::images
