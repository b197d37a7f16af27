// SPDX-License-Identifier: Apache-2.0
// Protobuf refuses to carry strings that are not UTF-8: check what comes in, repair what goes out.
#pragma once

#include <string>
#include <string_view>

namespace kilonova::grpc {

// Shortest form only, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);
// At most `most` bytes, cut between characters; each wrong byte becomes '?'.
std::string CleanUtf8(std::string_view text, std::size_t most);

}  // namespace kilonova::grpc
