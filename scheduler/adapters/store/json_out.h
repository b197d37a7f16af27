// SPDX-License-Identifier: Apache-2.0
// JSON written straight into a string. A document is made for every row that is written: building
// a tree first cost more than everything else about it.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"

namespace kilonova::scheduler::adapters {

class JsonOut {
 public:
  template <class Fill>
  void Object(Fill fill) {
    Open('{');
    fill();
    Close('}');
  }
  template <class Items, class Each>
  void Array(const Items& items, Each each) {
    Open('[');
    for (const auto& item : items) each(item);
    Close(']');
  }
  JsonOut& Key(std::string_view key) {
    Value(key);
    text_ += ':';
    first_ = true;  // no comma before the value
    return *this;
  }
  template <class T>
  void Field(std::string_view key, const T& value) {
    Key(key).Value(value);
  }

  void Value(std::string_view text);  // bytes that are not UTF-8 become U+FFFD
  void Value(const std::string& text) { Value(std::string_view(text)); }
  void Value(const char* text) { Value(std::string_view(text)); }
  void Value(const Uuid& uuid) { Value(std::string_view(uuid.str())); }
  void Value(bool value) {
    Comma();
    text_ += value ? "true" : "false";
  }
  template <class T>
  requires((std::integral<T> && !std::same_as<T, bool>) ||
           std::floating_point<T>) void Value(T value) {
    Comma();
    char buffer[40];
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
    text_.append(buffer, end);
  }
  template <class T>
  void Value(const std::vector<T>& items) {
    Array(items, [this](const auto& item) { this->Value(item); });
  }
  template <class T, class Less>
  void Value(const std::map<std::string, T, Less>& map) {
    Object([&] {
      for (const auto& [key, value] : map) Field(key, value);
    });
  }

  std::string Take() { return std::move(text_); }

 private:
  void Comma() {
    if (!first_) text_ += ',';
    first_ = false;
  }
  void Open(char bracket) {
    Comma();
    text_ += bracket;
    first_ = true;
  }
  void Close(char bracket) {
    text_ += bracket;
    first_ = false;
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace kilonova::scheduler::adapters
