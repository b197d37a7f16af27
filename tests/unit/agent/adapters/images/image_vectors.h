// SPDX-License-Identifier: Apache-2.0
// Disk images and the verdicts they must get, read from images.json: the curated subset in
// tests/vectors, or the whole set when KILONOVA_VECTORS names its directory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kilonova::testing {

struct ImageVector {
  std::string id;
  std::string why;
  std::string claimed_format;
  std::string detected_format;  // "" = signatures conflict
  std::vector<std::string> matches;
  bool safe = false;
  std::string stage;  // "", "inspector" or "agreement"
  std::vector<std::string> failed_checks;
  std::optional<std::uint64_t> virtual_size;  // binding: only when safe
  std::string content;                        // the file
  std::string sha256;
};

// Calls `visit` with each vector in turn; one file is in memory at a time. Returns how many.
template <class Visit>
int ForEachImageVector(Visit visit);

class ImageVectorReader {
 public:
  ImageVectorReader();
  ~ImageVectorReader();
  std::optional<ImageVector> Next();

 private:
  struct State;
  State* state_;
};

template <class Visit>
int ForEachImageVector(Visit visit) {
  ImageVectorReader reader;
  int count = 0;
  while (const std::optional<ImageVector> next = reader.Next()) {
    visit(*next);
    ++count;
  }
  return count;
}

}  // namespace kilonova::testing
