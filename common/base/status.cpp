// SPDX-License-Identifier: Apache-2.0
#include "common/base/status.h"

#include <absl/strings/cord.h>
#include <absl/strings/string_view.h>

#include <optional>

namespace kilonova {
namespace {

constexpr absl::string_view kReasonUrl = "kilonova/reason";
constexpr std::string_view kDetailPrefix = "kilonova/detail/";

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Status Error(Code code, Reason reason, std::string_view message,
             std::initializer_list<std::pair<std::string_view, std::string>> details) {
  Status status(code, ToAbsl(message));
  status.SetPayload(kReasonUrl, absl::Cord(ToAbsl(reason.name)));
  for (const auto& [key, value] : details) {
    std::string url(kDetailPrefix);
    url += key;
    status.SetPayload(url, absl::Cord(value));
  }
  return status;
}

std::string ReasonOf(const Status& status) {
  if (status.ok()) return {};
  const auto payload = status.GetPayload(kReasonUrl);
  return payload ? std::string(*payload) : std::string(reason::kInternal.name);
}

bool HasReason(const Status& status, Reason reason) { return ReasonOf(status) == reason.name; }

std::string Message(const Status& status) {
  return {status.message().data(), status.message().size()};
}

Details DetailsOf(const Status& status) {
  Details details;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    const std::string_view key(url.data(), url.size());
    if (key.starts_with(kDetailPrefix)) {
      details.emplace(key.substr(kDetailPrefix.size()), std::string(value));
    }
  });
  return details;
}

Status WithDetail(const Status& status, std::string_view key, std::string_view value) {
  Status copy = status;
  std::string url(kDetailPrefix);
  url += key;
  copy.SetPayload(url, absl::Cord(ToAbsl(value)));
  return copy;
}

Status Prefixed(const Status& status, std::string_view prefix) {
  if (status.ok()) return status;
  std::string message(prefix);
  message += ": ";
  message += Message(status);
  Status copy(status.code(), message);
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& value) { copy.SetPayload(url, value); });
  return copy;
}

std::string Describe(const Status& status) {
  if (status.ok()) return "OK";
  std::string line = absl::StatusCodeToString(status.code());
  line += ' ';
  line += ReasonOf(status);
  line += ' ';
  line += Message(status);
  for (const auto& [key, value] : DetailsOf(status)) {
    line += ' ';
    line += key;
    line += '=';
    line += value;
  }
  return line;
}

}  // namespace kilonova
