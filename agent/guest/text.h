// SPDX-License-Identifier: Apache-2.0
// Text from outside on its way into XML or JSON. Internal to agent/guest.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace kilonova::agent::guest {

// `text` with every byte sequence that is not UTF-8, every control character (C0, DEL, C1) and
// every code point XML 1.0 cannot hold replaced by U+FFFD. Tabs and line ends count as control
// characters: XML would not give them back unchanged.
std::string Printable(std::string_view text);

// INVALID_ARGUMENT, naming `field`, when Printable would change `text`.
Status RequirePrintable(std::string_view text, std::string_view field);

// True when Printable would not change `text`.
bool IsPrintable(std::string_view text);

// True when `word` is one of `words`, which single spaces part.
bool HasWord(std::string_view words, std::string_view word);

// ASCII alone.
std::string LowerCase(std::string_view text);

bool IsUtf8(std::string_view text);

// RFC 4648 with padding; line breaks and spaces between are passed over. Empty when it is not.
std::optional<std::string> DecodeBase64(std::string_view text);
std::string EncodeBase64(std::string_view bytes);

}  // namespace kilonova::agent::guest
