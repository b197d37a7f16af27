// SPDX-License-Identifier: Apache-2.0
// Identifiers. A Uuid is always 36 lower-case characters, 8-4-4-4-12: checked once where it
// enters, safe ever after as a key, a path component or a libvirt uuid.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace kilonova {

class Uuid {
 public:
  Uuid() = default;  // the empty id, "no such thing"; never on a wire

  // INVALID_ARGUMENT unless `text` is exactly the canonical form. Upper case is refused, as one
  // thing must not have two names.
  static Expected<Uuid> Parse(std::string_view text);
  static Uuid Random();

  bool empty() const { return text_.empty(); }
  const std::string& str() const { return text_; }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  friend bool operator==(const Uuid&, const Uuid&) = default;

 private:
  explicit Uuid(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// "req-" and a uuid: Nova's form of a request id.
std::string NewRequestId();

// True for 1 to 255 characters of [A-Za-z0-9._-] that do not begin with '.' or '-': what a compute
// host may be called, as it becomes a queue name and a routing key.
bool IsValidHostName(std::string_view name);

}  // namespace kilonova

template <>
struct std::hash<kilonova::Uuid> {
  std::size_t operator()(const kilonova::Uuid& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};
