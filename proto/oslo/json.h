// SPDX-License-Identifier: Apache-2.0
// JSON as messages need it: bounded, strict, and written back exactly as it was read. Members keep
// their order, integers are exact to 64 bits, and a fraction keeps the digits it came with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/status.h"

namespace kilonova::oslo {

class Json {
 public:
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;
  struct Fraction {
    double value = 0;
    std::string text;  // as read; "" when made here
    friend bool operator==(const Fraction& a, const Fraction& b) { return a.value == b.value; }
  };

  // All defined below, where Member is complete.
  Json();  // null
  Json(std::nullptr_t);
  Json(bool value);
  Json(int value);
  Json(std::int64_t value);
  Json(std::uint64_t value);  // signed wherever it fits, so that equal numbers are equal
  Json(double value);
  Json(Fraction value);
  Json(const char* value);
  Json(std::string_view value);
  Json(std::string value);
  Json(Array value);
  Json(Object value);
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();

  static Json MakeArray();
  static Json MakeObject();
  static Json MakeObject(std::initializer_list<Member> members);

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  const bool* AsBool() const { return std::get_if<bool>(&value_); }
  const std::int64_t* AsInt() const { return std::get_if<std::int64_t>(&value_); }
  const std::uint64_t* AsBigInt() const { return std::get_if<std::uint64_t>(&value_); }  // > 2^63-1
  const Fraction* AsFraction() const { return std::get_if<Fraction>(&value_); }
  const std::string* AsString() const { return std::get_if<std::string>(&value_); }
  const Array* AsArray() const { return std::get_if<Array>(&value_); }
  Array* AsArray() { return std::get_if<Array>(&value_); }
  const Object* AsObject() const { return std::get_if<Object>(&value_); }
  Object* AsObject() { return std::get_if<Object>(&value_); }

  // The member named `key`; null when there is none or this is not an object. O(members).
  const Json* Find(std::string_view key) const;
  Json* Find(std::string_view key);
  // Adds or replaces a member; *this becomes an object if it was null.
  Json& Set(std::string_view key, Json value);
  // Appends; *this becomes an array if it was null.
  Json& Push(Json value);

  // Members count in any order, elements in theirs.
  friend bool operator==(const Json& a, const Json& b);

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, Fraction, std::string, Array,
               Object>
      value_;
};

struct Json::Member {
  std::string key;
  Json value;
  friend bool operator==(const Member&, const Member&) = default;
};

inline Json::Json() = default;
inline Json::Json(std::nullptr_t) {}
inline Json::Json(bool value) : value_(value) {}
inline Json::Json(int value) : value_(std::int64_t{value}) {}
inline Json::Json(std::int64_t value) : value_(value) {}
inline Json::Json(double value) : value_(Fraction{value, {}}) {}
inline Json::Json(Fraction value) : value_(std::move(value)) {}
inline Json::Json(const char* value) : value_(std::string(value)) {}
inline Json::Json(std::string_view value) : value_(std::string(value)) {}
inline Json::Json(std::string value) : value_(std::move(value)) {}
inline Json::Json(Array value) : value_(std::move(value)) {}
inline Json::Json(Object value) : value_(std::move(value)) {}
inline Json::Json(const Json& other) = default;
inline Json::Json(Json&& other) noexcept = default;
inline Json& Json::operator=(const Json& other) = default;
inline Json& Json::operator=(Json&& other) noexcept = default;
inline Json::~Json() = default;
inline Json Json::MakeArray() { return Json(Array{}); }

struct JsonLimits {
  std::size_t bytes = std::size_t{1} << 20;
  int depth = 32;  // of arrays and objects within each other
  std::size_t values = 100'000;
};

// MESSAGE_TOO_LARGE (bytes or values), MESSAGE_TOO_DEEP, MESSAGE_DUPLICATE_KEY, or
// MESSAGE_MALFORMED: no JSON, no UTF-8, a NUL, a number beyond a double or 64 bits, anything after
// the end.
Expected<Json> ParseJson(std::string_view text, const JsonLimits& limits = {});

// Compact, ASCII only, members in their order. What is not UTF-8 becomes U+FFFD.
std::string DumpJson(const Json& value);

// Whether `text` is UTF-8 and free of NUL: what ParseJson accepts in a string.
bool IsCleanText(std::string_view text);

}  // namespace kilonova::oslo
