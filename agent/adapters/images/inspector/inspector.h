// SPDX-License-Identifier: Apache-2.0
// Says what a disk image is and whether it may be opened at all, from its bytes alone and before
// any tool sees it: every known way of making a reader open another file, disagree about the format
// or about the size is refused. Feed the file from its first byte to its last, in pieces of any
// size; the verdict depends on the bytes only. Holds less than 1 MiB. One thread at a time.
//
//   ImageInspector inspector;
//   while (...) inspector.Feed(chunk);
//   Verdict verdict = inspector.Finish("qcow2");
//
// A safe verdict covers what the bytes say. Whoever hands the file to QEMU compares formats once
// more (see agreement.h) and always names the format.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "agent/adapters/images/inspector/verdict.h"

namespace kilonova::agent::adapters::images {

class ImageInspector {
 public:
  ImageInspector();
  ~ImageInspector();
  ImageInspector(ImageInspector&&) noexcept;
  ImageInspector& operator=(ImageInspector&&) noexcept;

  void Feed(std::string_view bytes);

  // No finished file that begins like this one is accepted with a smaller virtual size: what lets a
  // download stop as soon as the header has passed.
  std::uint64_t LeastVirtualSize() const;

  // The verdict, once, after the last byte. `claimed_format` is what the image's owner said.
  Verdict Finish(std::string_view claimed_format);

 private:
  class Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace kilonova::agent::adapters::images
