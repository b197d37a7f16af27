// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/errors.h"

#include <libvirt/virterror.h>

#include <string>

namespace kilonova::agent::adapters::libvirt {
namespace {

constexpr std::string_view kConnectionDetail = "connection";

Status Refused(Code code, Reason reason, std::string_view what, const std::string& text) {
  return Error(code, reason, what, {{kOperatorDetail, text}});
}

bool ConnectionIsGone(const virError& error) {
  if (error.domain == VIR_FROM_RPC || error.domain == VIR_FROM_REMOTE) {
    // A fault of the transport, not an answer of the daemon.
    return error.code == VIR_ERR_INTERNAL_ERROR || error.code == VIR_ERR_SYSTEM_ERROR ||
           error.code == VIR_ERR_RPC || error.code == VIR_ERR_NO_CONNECT ||
           error.code == VIR_ERR_INVALID_CONN;
  }
  return error.code == VIR_ERR_INVALID_CONN || error.code == VIR_ERR_NO_CONNECT;
}

// The host's packet filter is one for all who change it, and a change that met another fails. Worth
// trying again; the guest did not start.
bool IsFirewall(const virError& error) {
  return error.domain == VIR_FROM_FIREWALL || error.domain == VIR_FROM_NWFILTER ||
         error.code == VIR_ERR_BUILD_FIREWALL;
}

}  // namespace

int LastErrorCode() {
  const virError* error = virGetLastError();
  return error == nullptr ? VIR_ERR_OK : error->code;
}

Status LastError(std::string_view what) {
  const virError* error = virGetLastError();
  if (error == nullptr) {
    return Refused(Code::kInternal, reason::kHypervisorRefused, what, "libvirt gave no error");
  }
  const std::string text = std::string(error->message == nullptr ? "" : error->message) +
                           " (libvirt " + std::to_string(error->code) + "/" +
                           std::to_string(error->domain) + ")";
  if (ConnectionIsGone(*error)) {
    return Error(Code::kUnavailable, reason::kHypervisorUnavailable,
                 "the hypervisor is not reachable",
                 {{kOperatorDetail, text}, {kConnectionDetail, "lost"}});
  }
  if (IsFirewall(*error)) {
    return Error(Code::kUnavailable, reason::kHypervisorUnavailable, what,
                 {{kOperatorDetail, text}});
  }
  switch (error->code) {
    case VIR_ERR_NO_DOMAIN:
      return Refused(Code::kNotFound, reason::kDomainNotFound, "the guest is not defined here",
                     text);
    case VIR_ERR_NO_NETWORK:
      return Refused(Code::kNotFound, reason::kHostNetworkMissing,
                     "a network of the guest does not exist on this host", text);
    case VIR_ERR_OPERATION_TIMEOUT:
    case VIR_ERR_AGENT_UNRESPONSIVE:
    case VIR_ERR_RESOURCE_BUSY:
      return Refused(Code::kUnavailable, reason::kHypervisorUnavailable, what, text);
    case VIR_ERR_XML_ERROR:
    case VIR_ERR_XML_DETAIL:
    case VIR_ERR_CONFIG_UNSUPPORTED:
    case VIR_ERR_INVALID_ARG:
    case VIR_ERR_XML_INVALID_SCHEMA:
      return Refused(Code::kInvalidArgument, reason::kHypervisorRefused, what, text);
    default:
      return Refused(Code::kFailedPrecondition, reason::kHypervisorRefused, what, text);
  }
}

bool IsConnectionLoss(const Status& status) {
  return !status.ok() && DetailsOf(status).contains(kConnectionDetail);
}

}  // namespace kilonova::agent::adapters::libvirt
