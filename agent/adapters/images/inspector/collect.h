// SPDX-License-Identifier: Apache-2.0
// What is kept of a stream: each collector sees every byte once, in order, in pieces of any size,
// and ends in a state that depends on the bytes alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kilonova::agent::adapters::images {

// A range of the file, wherever it lies.
class Window {
 public:
  Window() = default;
  // `head` is the beginning of the file: what has passed already.
  Window(std::uint64_t offset, std::size_t size, std::string_view head);
  void Feed(std::uint64_t position, std::string_view bytes);
  std::uint64_t end() const;  // saturating
  bool complete() const { return data_.size() == size_; }
  const std::string& data() const { return data_; }

 private:
  std::uint64_t offset_ = 0;
  std::size_t size_ = 0;
  std::string data_;
};

// The last `size` bytes.
class Tail {
 public:
  explicit Tail(std::size_t size) : size_(size) {}
  void Feed(std::string_view bytes);
  std::string_view data() const;

 private:
  std::size_t size_;
  std::string data_;
};

// Finds an ASCII text, letters in either case. `needle` is lower case and outlives the finder.
class TextFinder {
 public:
  explicit TextFinder(std::string_view needle);
  // True when `c` ends an occurrence.
  bool Feed(char c);

 private:
  std::string_view needle_;
  std::size_t matched_ = 0;
  std::array<std::uint8_t, 32> fallback_{};
};

inline char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
// Python's idea of white space in ASCII, which is also what the readers strip.
inline bool IsSpace(char c) { return (c >= 9 && c <= 13) || (c >= 28 && c <= 32); }

// Looks for `createType="` before the first NUL of the first 2^20-1 bytes: the mark by which some
// readers know a text descriptor.
class CreateTypeScan {
 public:
  CreateTypeScan();
  void Feed(std::string_view bytes);
  bool done() const { return done_; }
  bool found() const { return found_; }

 private:
  TextFinder finder_;
  std::uint64_t seen_ = 0;
  bool done_ = false;
  bool found_ = false;
};

}  // namespace kilonova::agent::adapters::images
