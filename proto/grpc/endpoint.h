// SPDX-License-Identifier: Apache-2.0
// Where to listen or connect, and how it is secured; no gRPC in sight.
#pragma once

#include <string>

#include "common/base/status.h"

namespace kilonova::grpc {

struct TlsFiles {
  std::string ca, cert, key;  // PEM files; all empty: no TLS
  // Server: only clients with a certificate of `ca` get in. Client: not read.
  bool require_client_certificate = false;

  bool enabled() const { return !ca.empty() || !cert.empty() || !key.empty(); }
};

// "unix:/run/x.sock", "unix-abstract:name", "127.0.0.1:9500", "localhost:9500", "[::1]:9500".
bool IsLocalAddress(const std::string& address);

// The rule both ends share: without TLS only local addresses. CONFIG_INVALID (detail "field")
// otherwise, and for an address of no known form.
Status CheckEndpoint(const std::string& address, const TlsFiles& tls);

// The content of a PEM file; CONFIG_INVALID when it cannot be read.
Expected<std::string> ReadPem(const std::string& path);

}  // namespace kilonova::grpc
