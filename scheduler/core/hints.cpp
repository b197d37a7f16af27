// SPDX-License-Identifier: Apache-2.0
#include <absl/container/flat_hash_set.h>
#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "common/base/ids.h"
#include "scheduler/core/placement.h"
#include "scheduler/core/query_bounds.h"

namespace kilonova::scheduler::core {
namespace {

Status Bad(std::string_view name, std::string_view message) {
  // The name is the client's: shortened, it may be a megabyte.
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", "scheduler_hints." + std::string(name.substr(0, 64))}});
}

Status CheckUuid(std::string_view name, const std::string& value) {
  if (Uuid::Parse(value).ok()) return OkStatus();
  return Bad(name, name == "group" ? "a scheduler hint group must be the uuid of a server group"
                                   : "a scheduler hint must name instance uuids");
}

Status CheckAddress(std::string_view name, const std::string& value) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const bool whole = value.find('\0') == std::string::npos;
  if (whole && (inet_pton(AF_INET, value.c_str(), address.data()) == 1 ||
                inet_pton(AF_INET6, value.c_str(), address.data()) == 1)) {
    return OkStatus();
  }
  return Bad(name, "a scheduler hint build_near_host_ip must be an IPv4 or IPv6 address");
}

// Nova's API takes what looks like a prefix; whether it is one the filter says.
Status CheckPrefix(std::string_view name, const std::string& value) {
  constexpr std::size_t kLongest = 46;  // of an IPv6 address and the slash
  constexpr std::string_view kAllowed = "0123456789abcdef.:";
  if (value.starts_with('/') && value.size() > 1 && value.size() <= kLongest &&
      value.find_first_not_of(kAllowed, 1) == std::string::npos) {
    return OkStatus();
  }
  return Bad(name, "a scheduler hint cidr must be a prefix such as /24");
}

Status CheckQuery(std::string_view /*name*/, const std::string& value) {
  return CheckQueryBounds(value);
}

struct Rule {
  std::string_view name;
  std::size_t most;  // different values
  Status (*check)(std::string_view name, const std::string& value);
};

constexpr std::array kRules = {Rule{"build_near_host_ip", 1, CheckAddress},
                               Rule{"cidr", 1, CheckPrefix},
                               Rule{"different_host", kMostHintValues, CheckUuid},
                               Rule{"group", 1, CheckUuid},
                               Rule{"query", 1, CheckQuery},
                               Rule{"same_host", kMostHintValues, CheckUuid}};

Expected<std::vector<std::string>> ValidValues(const Rule& rule,
                                               const std::vector<std::string>& values) {
  absl::flat_hash_set<std::string_view> seen;
  std::vector<std::string> kept;
  for (const auto& value : values) {
    if (!seen.insert(value).second) continue;
    if (kept.size() == rule.most) {
      return Bad(rule.name, "this scheduler hint may have at most " + std::to_string(rule.most) +
                                (rule.most == 1 ? " value" : " different values"));
    }
    RETURN_IF_ERROR(rule.check(rule.name, value));
    kept.push_back(value);
  }
  return kept;
}

}  // namespace

Expected<Hints> ValidateHints(const Hints& hints) {
  Hints valid;
  for (const auto& [name, values] : hints) {
    const auto rule = std::ranges::find(kRules, name, &Rule::name);
    if (rule == kRules.end()) {
      return Bad(name,
                 "unknown scheduler hint; known are build_near_host_ip, cidr, different_host, "
                 "group, query and same_host");
    }
    ASSIGN_OR_RETURN(valid[name], ValidValues(*rule, values));
  }
  return valid;
}

}  // namespace kilonova::scheduler::core
