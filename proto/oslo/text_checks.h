// SPDX-License-Identifier: Apache-2.0
// Forms that text in a message must have before anything is done with it.
#pragma once

#include <cstddef>
#include <string_view>

namespace kilonova::oslo {

std::size_t CountCharacters(std::string_view utf8);
bool HasControlCharacters(std::string_view text);
bool IsMac(std::string_view text);  // six lower-case hex pairs of one card, not of a group
bool IsIpAddress(std::string_view text, int version);
// Letters and digits of Latin-1, '-', '.', as Nova makes them of a name; at most 255 bytes.
bool IsGuestHostname(std::string_view text);
bool IsBase64(std::string_view text);  // line breaks allowed, as Nova allows them
bool IsLowerHex(std::string_view text, std::size_t digits);
bool IsInterfaceName(std::string_view text);  // of a bridge: 1 to 15 bytes that a kernel takes

}  // namespace kilonova::oslo
