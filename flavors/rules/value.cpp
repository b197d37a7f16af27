// SPDX-License-Identifier: Apache-2.0
#include "flavors/rules/value.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace kilonova::flavors::rules {
namespace {

using Kind = Value::Kind;
constexpr std::size_t kDeepest = 32;

// Takes nlohmann's events and builds the tree.
class Builder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  bool null() { return Add({}); }
  bool boolean(bool value) { return Add({Kind::kBool, value ? "true" : "false", {}, {}}); }
  bool number_integer(number_integer_t value) {
    return Add({Kind::kInteger, std::to_string(value), {}, {}});
  }
  bool number_unsigned(number_unsigned_t value) {
    return Add({Kind::kInteger, std::to_string(value), {}, {}});
  }
  // What is too long for an integer comes here too.
  bool number_float(number_float_t, const string_t& text) {
    const bool whole = text.find_first_of(".eE") == std::string::npos;
    return Add({whole ? Kind::kInteger : Kind::kNumber, text, {}, {}});
  }
  bool string(string_t& value) { return Add({Kind::kString, std::move(value), {}, {}}); }
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return Open(Kind::kMap); }
  bool start_array(std::size_t) { return Open(Kind::kList); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  bool key(string_t& name) {
    if (!levels_.back().names.insert(name).second) {
      return Fail(reason::kMessageDuplicateKey, "a key stands twice in the JSON text");
    }
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    return Fail(reason::kMessageMalformed,
                "not well-formed JSON at byte " + std::to_string(position));
  }

  Value root;
  Status status;

 private:
  struct Level {
    Value* value;
    std::set<std::string> names;
  };

  bool Fail(Reason why, std::string_view message) {
    status = Error(Code::kInvalidArgument, why, message);
    return false;
  }
  Value* Place(Value value) {
    if (levels_.empty()) {
      root = std::move(value);
      return &root;
    }
    // A level's own values are complete before the next is begun: the pointers stay good.
    auto& members = levels_.back().value->members;
    value.name = std::move(key_);
    key_.clear();
    members.push_back(std::move(value));
    return &members.back();
  }
  bool Add(Value value) {
    Place(std::move(value));
    return true;
  }
  bool Open(Kind kind) {
    if (levels_.size() == kDeepest) return Fail(reason::kMessageTooDeep, "JSON nested too deep");
    levels_.push_back({Place({kind, {}, {}, {}}), {}});
    return true;
  }
  bool Close() {
    levels_.pop_back();
    return true;
  }

  std::vector<Level> levels_;
  std::string key_;
};

}  // namespace

const Value* Value::Find(std::string_view wanted) const {
  if (kind != Kind::kMap) return nullptr;
  const auto found = std::ranges::find(members, wanted, &Value::name);
  return found == members.end() ? nullptr : &*found;
}

Expected<Value> ReadJson(std::string_view text, std::size_t most_bytes) {
  if (text.size() > most_bytes) {
    return Error(Code::kInvalidArgument, reason::kMessageTooLarge,
                 "more than " + std::to_string(most_bytes) + " bytes of JSON");
  }
  Builder builder;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    if (!builder.status.ok()) return builder.status;
    return Error(Code::kInvalidArgument, reason::kMessageMalformed, "not well-formed JSON");
  }
  return std::move(builder.root);
}

}  // namespace kilonova::flavors::rules
