// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/endpoint.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace kilonova::grpc {
namespace {

Status Invalid(const char* field, const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid, message, {{"field", field}});
}

bool IsUnix(const std::string& address) {
  return address.starts_with("unix:") || address.starts_with("unix-abstract:");
}

// The host of "host:port" and "[v6]:port"; empty when the port is missing or wrong.
std::string HostPart(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return {};
  const std::string port = address.substr(colon + 1);
  if (port.empty() || port.size() > 5 ||
      !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }) ||
      std::stoi(port) > 65535) {
    return {};
  }
  std::string host = address.substr(0, colon);
  if (host.front() == '[') return host.back() == ']' ? host.substr(1, host.size() - 2) : "";
  return host.find(':') == std::string::npos ? host : "";
}

}  // namespace

bool IsLocalAddress(const std::string& address) {
  if (IsUnix(address)) return true;
  const std::string host = HostPart(address);
  if (host == "localhost" || host == "::1") return true;
  // A name may begin with "127." and resolve anywhere: digits and dots only.
  return host.starts_with("127.") &&
         std::ranges::all_of(host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

Status CheckEndpoint(const std::string& address, const TlsFiles& tls) {
  if (!IsUnix(address) && HostPart(address).empty()) {
    return Invalid("address", "'" + address + "' is neither host:port nor unix:/path");
  }
  if (!tls.enabled() && !IsLocalAddress(address)) {
    return Invalid("tls", "'" + address + "' is not a loopback or unix address and needs TLS");
  }
  if (tls.cert.empty() != tls.key.empty()) {
    return Invalid("tls", "TLS needs both a certificate and its key");
  }
  return OkStatus();
}

Expected<std::string> ReadPem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return Invalid("tls", "cannot read " + path);
  return text.str();
}

}  // namespace kilonova::grpc
