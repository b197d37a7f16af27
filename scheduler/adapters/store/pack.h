// SPDX-License-Identifier: Apache-2.0
// Fields with numbers, as short as protobuf writes them: key (number * 2 + kind), then a zigzag
// varint (kind 0) or a length and bytes (kind 1). A million rows are read at a start, where JSON
// took ten times as long. One list of fields per struct serves both directions:
//
//   template <class Pack> void Fields(Pack& pack, FixedIp& ip) { pack(1, ip.address)(2, ip.prefix);
//   }
//
// A field that is missing keeps its default, one whose number a reader does not know is passed
// over.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"

namespace kilonova::scheduler::adapters {

using PackNumber = std::uint32_t;

// A pair of a map is packed like a struct of two.
template <class Pack, class K, class V>
void Fields(Pack& pack, std::pair<K, V>& pair) {
  pack(1, pair.first)(2, pair.second);
}

class PackOut {
 public:
  static constexpr bool kReads = false;

  template <std::integral T>
  PackOut& operator()(PackNumber field, T& value) {
    const auto number = static_cast<std::int64_t>(value);
    Varint(std::uint64_t{field} << 1);
    Varint((static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63));
    return *this;
  }
  PackOut& operator()(PackNumber field, double& value) {
    auto bits = std::bit_cast<std::int64_t>(value);
    return (*this)(field, bits);
  }
  PackOut& operator()(PackNumber field, const std::string& text) {
    Bytes(field, text);
    return *this;
  }
  PackOut& operator()(PackNumber field, std::string& text) {
    return (*this)(field, std::as_const(text));
  }
  PackOut& operator()(PackNumber field, Uuid& uuid) { return (*this)(field, uuid.str()); }
  PackOut& operator()(PackNumber field, WallTime& at) {
    auto micros = ToMicros(at);
    return (*this)(field, micros);
  }
  template <class T>
  PackOut& operator()(PackNumber field, std::optional<T>& value) {
    return value ? (*this)(field, *value) : *this;
  }
  template <class T>
  PackOut& operator()(PackNumber field, std::vector<T>& items) {
    for (T& item : items) (*this)(field, item);
    return *this;
  }
  template <class K, class V, class Less>
  PackOut& operator()(PackNumber field, std::map<K, V, Less>& map) {
    for (const auto& [key, value] : map) {
      std::pair<K, V> pair(key, value);
      (*this)(field, pair);
    }
    return *this;
  }
  template <class T>
  requires(std::is_class_v<T>) PackOut& operator()(PackNumber field, T& part) {
    PackOut inner;
    Fields(inner, part);
    Bytes(field, inner.out_);
    return *this;
  }
  std::string Take() { return std::move(out_); }

 private:
  void Bytes(PackNumber field, std::string_view bytes) {
    Varint((std::uint64_t{field} << 1) | 1);
    Varint(bytes.size());
    out_ += bytes;
  }
  void Varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    out_ += static_cast<char>(value);
  }
  std::string out_;
};

// Throws std::invalid_argument for what PackOut did not write.
class PackIn {
 public:
  static constexpr bool kReads = true;
  explicit PackIn(std::string_view bytes) : rest_(bytes) {}

  // Reads all of `bytes` into `part`.
  template <class T>
  static void Read(std::string_view bytes, T& part) {
    PackIn in(bytes);
    while (in.Next()) Fields(in, part);
  }

  template <std::integral T>
  PackIn& operator()(PackNumber field, T& value) {
    if (field == field_) value = static_cast<T>(Int());
    return *this;
  }
  PackIn& operator()(PackNumber field, double& value) {
    if (field == field_) value = std::bit_cast<double>(Int());
    return *this;
  }
  PackIn& operator()(PackNumber field, std::string& text) {
    if (field == field_) text = Bytes();
    return *this;
  }
  PackIn& operator()(PackNumber field, Uuid& uuid) {
    if (field != field_) return *this;
    if (Bytes().empty()) {
      uuid = Uuid();
    } else if (auto read = Uuid::Parse(Bytes()); read.ok()) {
      uuid = *std::move(read);
    } else {
      throw std::invalid_argument("not a uuid");
    }
    return *this;
  }
  PackIn& operator()(PackNumber field, WallTime& at) {
    if (field == field_) at = FromMicros(Int());
    return *this;
  }
  template <class T>
  PackIn& operator()(PackNumber field, std::optional<T>& value) {
    return field == field_ ? (*this)(field, value.emplace()) : *this;
  }
  template <class T>
  PackIn& operator()(PackNumber field, std::vector<T>& items) {
    return field == field_ ? (*this)(field, items.emplace_back()) : *this;
  }
  template <class K, class V, class Less>
  PackIn& operator()(PackNumber field, std::map<K, V, Less>& map) {
    if (field != field_) return *this;
    std::pair<K, V> pair;
    Read(Bytes(), pair);
    map.insert_or_assign(std::move(pair.first), std::move(pair.second));
    return *this;
  }
  template <class T>
  requires(std::is_class_v<T>) PackIn& operator()(PackNumber field, T& part) {
    if (field == field_) Read(Bytes(), part);
    return *this;
  }

  bool Next() {
    if (rest_.empty()) return false;
    const std::uint64_t key = Varint();
    field_ = static_cast<PackNumber>(key >> 1);
    is_bytes_ = (key & 1) != 0;
    if (!is_bytes_) {
      number_ = Varint();
      return true;
    }
    const std::uint64_t size = Varint();
    if (size > rest_.size()) throw std::invalid_argument("a field is longer than its row");
    bytes_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  PackNumber field() const { return field_; }
  std::int64_t Int() const {
    if (is_bytes_) throw std::invalid_argument("a field is text, not a number");
    return static_cast<std::int64_t>(number_ >> 1) ^ -static_cast<std::int64_t>(number_ & 1);
  }
  std::string_view Bytes() const {
    if (!is_bytes_) throw std::invalid_argument("a field is a number, not text");
    return bytes_;
  }

 private:
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    throw std::invalid_argument("a number is cut off");
  }

  std::string_view rest_, bytes_;
  std::uint64_t number_ = 0;
  PackNumber field_ = 0;
  bool is_bytes_ = false;
};

}  // namespace kilonova::scheduler::adapters
