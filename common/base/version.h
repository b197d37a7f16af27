// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kilonova {

// Of all programs; the same as project(VERSION) in CMakeLists.txt, which a test compares.
inline constexpr const char* kVersion = "0.1.0";

// The Nova whose behaviour, wire format and guests this is: Zed, as Debian 12 ships it.
inline constexpr const char* kNovaVersion = "26.2.2";

}  // namespace kilonova
