// SPDX-License-Identifier: Apache-2.0
// What is asked of qemu-img: a second opinion on an inspected image, and new overlays.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/adapters/images/options.h"
#include "common/base/status.h"

namespace kilonova::agent::adapters::images {

// Lets qemu-img guess the format of an image whose inspection found nothing wrong: the last check,
// that the reader of this host sees what the inspector saw. Returns the larger of both sizes.
// IMAGE_UNSAFE (check "qemu_disagrees") when it guesses another format, finds a reference to
// another file, or cannot read it.
Expected<std::uint64_t> AgreedVirtualSize(const ToolOptions& tools,
                                          const std::filesystem::path& image,
                                          std::string_view expected_format,
                                          std::uint64_t inspected_size,
                                          const std::stop_token& stop);

struct OverlayPlan {
  std::filesystem::path base;  // absolute
  std::string base_format;
  std::uint64_t size = 0;
  friend bool operator==(const OverlayPlan&, const OverlayPlan&) = default;
};

// Runs qemu-img create. `overlay` must not exist.
Status MakeOverlay(const ToolOptions& tools, const OverlayPlan& plan,
                   const std::filesystem::path& overlay);

struct Conversion {
  std::filesystem::path from, to;  // `to` is made anew
  std::string from_format, to_format;
  std::chrono::milliseconds most{3'600'000};
};
// Runs qemu-img convert, both formats explicit. `from` is one that was inspected or made here.
Status ConvertImage(const ToolOptions& tools, const Conversion& conversion);

// What an overlay's own header says, read without any tool; nothing when it is no qcow2 with a
// backing file and its format.
std::optional<OverlayPlan> ReadOverlay(const std::filesystem::path& overlay);

// The name of the file a disk stands on, "" when it is no qcow2 or stands alone. An error when the
// disk cannot be read.
Expected<std::string> ReadBackingFile(const std::filesystem::path& disk);

}  // namespace kilonova::agent::adapters::images
