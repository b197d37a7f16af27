// SPDX-License-Identifier: Apache-2.0
// The only file here that sees nlohmann's library: its parser keeps its own stack on the heap, so
// depth is refused while reading; its tree would overflow the stack when destroyed or written.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "proto/oslo/json.h"

namespace kilonova::oslo {
namespace {

using Library = nlohmann::json;

Status Refuse(Reason reason, std::string_view message) {
  return Error(Code::kInvalidArgument, reason, message);
}

class Builder : public nlohmann::json_sax<Library> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return Add(Json()); }
  bool boolean(bool value) override { return Add(Json(value)); }
  bool number_integer(number_integer_t value) override {
    return Add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Add(Json(static_cast<std::uint64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (text.find_first_of(".eE") == std::string::npos) {
      return Fail(reason::kMessageMalformed, "an integer does not fit 64 bits");
    }
    return Add(Json(Json::Fraction{value, text}));
  }
  bool string(string_t& value) override {
    if (HasNul(value)) return Fail(reason::kMessageMalformed, "a string holds a NUL");
    return Add(Json(std::move(value)));
  }
  bool binary(binary_t&) override { return Fail(reason::kMessageMalformed, "not JSON"); }

  bool start_object(std::size_t) override { return Open(Json::MakeObject()); }
  bool start_array(std::size_t) override { return Open(Json::MakeArray()); }
  bool end_array() override { return Close(); }
  bool end_object() override { return !HasDuplicates() && Close(); }

  bool key(string_t& value) override {
    if (HasNul(value)) return Fail(reason::kMessageMalformed, "a key holds a NUL");
    if (!Count()) return false;
    open_.back()->AsObject()->push_back({std::move(value), Json()});
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Library::exception&) override {
    // The library's text quotes the input, which may hold secrets.
    return Fail(reason::kMessageMalformed, "not JSON near byte " + std::to_string(position));
  }

  Expected<Json> Take() {
    if (!status_.ok()) return status_;
    return std::move(root_);
  }

 private:
  static bool HasNul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

  bool Fail(Reason reason, std::string_view message) {
    if (status_.ok()) status_ = Refuse(reason, message);
    return false;
  }

  bool Count() {
    if (++values_ <= limits_.values) return true;
    return Fail(reason::kMessageTooLarge, "more values than a message may have");
  }

  // Where the next value goes: pointers in open_ stay valid, as only the innermost one grows.
  Json* Place(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    Json& parent = *open_.back();
    if (parent.AsArray() != nullptr) return &parent.Push(std::move(value));
    return &(parent.AsObject()->back().value = std::move(value));
  }

  bool Add(Json value) {
    if (!Count()) return false;
    Place(std::move(value));
    return true;
  }

  bool Open(Json container) {
    if (open_.size() >= static_cast<std::size_t>(limits_.depth)) {
      return Fail(reason::kMessageTooDeep, "nested deeper than a message may be");
    }
    if (!Count()) return false;
    open_.push_back(Place(std::move(container)));
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  // Once per object, by sorting: linear look-ups while reading would be quadratic.
  bool HasDuplicates() {
    const Json::Object& object = *open_.back()->AsObject();
    keys_.clear();
    for (const Json::Member& member : object) keys_.push_back(member.key);
    std::ranges::sort(keys_);
    if (std::ranges::adjacent_find(keys_) == keys_.end()) return false;
    Fail(reason::kMessageDuplicateKey, "an object names a member twice");
    return true;
  }

  const JsonLimits& limits_;
  Json root_;
  std::vector<Json*> open_;
  std::vector<std::string_view> keys_;
  std::size_t values_ = 0;
  Status status_;
};

}  // namespace

Expected<Json> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return Refuse(reason::kMessageTooLarge, "larger than a message may be");
  }
  // The library takes a NUL for the end and skips a byte order mark.
  if (text.find('\0') != std::string_view::npos) {
    return Refuse(reason::kMessageMalformed, "not JSON: a NUL byte");
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return Refuse(reason::kMessageMalformed, "not JSON: a byte order mark");
  }
  Builder builder(limits);
  Library::sax_parse(text.begin(), text.end(), &builder);
  return builder.Take();
}

}  // namespace kilonova::oslo
