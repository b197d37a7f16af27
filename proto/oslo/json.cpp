// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>

namespace kilonova::oslo {
namespace {

// The code point at text[*at], which moves past it; -1 (and one byte further) if it is no UTF-8.
std::int32_t NextCodePoint(std::string_view text, std::size_t* at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(*at);
  const std::size_t start = (*at)++;
  if (lead < 0x80) return static_cast<std::int32_t>(lead);
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  if (lead < 0xC2 || lead > 0xF4) return -1;
  auto point = static_cast<std::int32_t>(lead & (0x3FU >> more));
  for (int i = 1; i <= more; ++i) {
    const unsigned next = byte(start + static_cast<std::size_t>(i));
    if ((next & 0xC0U) != 0x80) return -1;
    point = (point << 6) | static_cast<std::int32_t>(next & 0x3FU);
  }
  const bool overlong = (more == 2 && point < 0x800) || (more == 3 && point < 0x10000);
  if (overlong || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return -1;
  *at = start + static_cast<std::size_t>(more) + 1;
  return point;
}

void AppendUnit(std::string* out, unsigned unit) {
  static constexpr char kHex[] = "0123456789abcdef";
  *out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) *out += kHex[(unit >> shift) & 0xFU];
}

void AppendText(std::string* out, std::string_view text) {
  *out += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::int32_t point = NextCodePoint(text, &at);
    if (point < 0) point = 0xFFFD;
    switch (point) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      case '\b':
        *out += "\\b";
        break;
      case '\f':
        *out += "\\f";
        break;
      default:
        if (point >= 0x20 && point < 0x7F) {
          *out += static_cast<char>(point);
        } else if (point < 0x10000) {
          AppendUnit(out, static_cast<unsigned>(point));
        } else {
          const auto rest = static_cast<unsigned>(point - 0x10000);
          AppendUnit(out, 0xD800 + (rest >> 10));
          AppendUnit(out, 0xDC00 + (rest & 0x3FFU));
        }
    }
  }
  *out += '"';
}

void AppendFraction(std::string* out, const Json::Fraction& fraction) {
  if (!fraction.text.empty()) {
    *out += fraction.text;
    return;
  }
  if (!std::isfinite(fraction.value)) {  // JSON has no word for it
    *out += "null";
    return;
  }
  char digits[64];
  const char* end = std::to_chars(digits, digits + sizeof digits, fraction.value).ptr;
  const std::string_view text(digits, static_cast<std::size_t>(end - digits));
  *out += text;
  if (text.find_first_of(".e") == std::string_view::npos) *out += ".0";  // stays a fraction
}

void Append(std::string* out, const Json& value) {
  if (value.is_null()) {
    *out += "null";
  } else if (const bool* flag = value.AsBool()) {
    *out += *flag ? "true" : "false";
  } else if (const std::int64_t* integer = value.AsInt()) {
    *out += std::to_string(*integer);
  } else if (const std::uint64_t* big = value.AsBigInt()) {
    *out += std::to_string(*big);
  } else if (const Json::Fraction* fraction = value.AsFraction()) {
    AppendFraction(out, *fraction);
  } else if (const std::string* text = value.AsString()) {
    AppendText(out, *text);
  } else if (const Json::Array* array = value.AsArray()) {
    *out += '[';
    for (const Json& element : *array) {
      if (&element != array->data()) *out += ',';
      Append(out, element);
    }
    *out += ']';
  } else if (const Json::Object* object = value.AsObject()) {
    *out += '{';
    for (const Json::Member& member : *object) {
      if (&member != object->data()) *out += ',';
      AppendText(out, member.key);
      *out += ':';
      Append(out, member.value);
    }
    *out += '}';
  }
}

}  // namespace

Json::Json(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    value_ = static_cast<std::int64_t>(value);
  } else {
    value_ = value;
  }
}
Json Json::MakeObject() { return Json(Object{}); }
Json Json::MakeObject(std::initializer_list<Member> members) { return Json(Object(members)); }

const Json* Json::Find(std::string_view key) const {
  const Object* object = AsObject();
  if (object == nullptr) return nullptr;
  const auto it = std::ranges::find(*object, key, &Member::key);
  return it == object->end() ? nullptr : &it->value;
}

Json* Json::Find(std::string_view key) {
  return const_cast<Json*>(static_cast<const Json*>(this)->Find(key));
}

Json& Json::Set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  if (Json* there = Find(key)) return *there = std::move(value);
  auto& object = std::get<Object>(value_);
  object.push_back({std::string(key), std::move(value)});
  return object.back().value;
}

Json& Json::Push(Json value) {
  if (is_null()) value_ = Array{};
  auto& array = std::get<Array>(value_);
  array.push_back(std::move(value));
  return array.back();
}

bool operator==(const Json& a, const Json& b) {
  if (a.value_.index() != b.value_.index()) return false;
  const Json::Object* mine = a.AsObject();
  if (mine == nullptr) return a.value_ == b.value_;
  if (mine->size() != b.AsObject()->size()) return false;
  return std::ranges::all_of(*mine, [&b](const Json::Member& member) {
    const Json* other = b.Find(member.key);
    return other != nullptr && member.value == *other;
  });
}

std::string DumpJson(const Json& value) {
  std::string out;
  Append(&out, value);
  return out;
}

bool IsCleanText(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (NextCodePoint(text, &at) <= 0) return false;
  }
  return true;
}

}  // namespace kilonova::oslo
