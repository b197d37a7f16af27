// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "common/runtime/safe_yaml.h"

namespace kilonova::runtime {
namespace {

std::string EnvName(std::string_view key) {
  std::string name = "KILONOVA_";
  for (const char c : key) {
    name += (c == '.' || c == '-') ? '_' : static_cast<char>(std::toupper(c));
  }
  return name;
}

// amqp://user:secret@host -> amqp://user:***@host
std::string HideUrlPassword(std::string text) {
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const auto at = text.find('@', scheme);
  const auto colon = text.find(':', scheme + 3);
  if (at == std::string::npos || colon == std::string::npos || colon > at) return text;
  return text.replace(colon + 1, at - colon - 1, "***");
}

template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
  const auto number = ParseNumber<std::int64_t>(text.substr(0, digits));
  const std::string_view unit = text.substr(digits);
  std::int64_t scale = 0;
  if (unit == "ms") scale = 1;
  if (unit == "s") scale = 1000;
  if (unit == "m") scale = 60'000;
  if (unit == "h") scale = 3'600'000;
  if (!number || scale == 0 || *number > INT64_MAX / 3600000) return std::nullopt;
  return std::chrono::milliseconds(*number * scale);
}

}  // namespace

struct Config::State {
  struct Value {
    std::string text;
    std::string where;
    bool list = false;
    std::vector<std::string> items;
  };
  std::string name;
  std::map<std::string, Value, std::less<>> values;  // leaves, by dotted key
  mutable std::set<std::string, std::less<>> asked;
  std::vector<std::string> errors;
  std::map<std::string, std::string> in_force;

  Status Flatten(const YAML::Node& node, const std::string& prefix) {
    for (const auto& item : node) {
      const std::string key = prefix + item.first.Scalar();
      const YAML::Node& value = item.second;
      const std::string where = Where(name, item.first);
      if (value.IsMap()) {
        RETURN_IF_ERROR(Flatten(value, key + "."));
      } else if (value.IsSequence()) {
        Value list{.text = "", .where = where, .list = true, .items = {}};
        for (const auto& element : value) {
          if (!element.IsScalar()) {
            return YamlError(name, element.Mark(), "'" + key + "' takes a list of plain values");
          }
          list.items.push_back(element.Scalar());
        }
        values.emplace(key, std::move(list));
      } else {
        values.emplace(key, Value{.text = value.IsNull() ? "" : value.Scalar(),
                                  .where = where,
                                  .list = false,
                                  .items = {}});
      }
    }
    return OkStatus();
  }

  std::optional<Value> Find(std::string_view key) const {
    asked.emplace(key);
    const std::string env = EnvName(key);
    if (const char* text = std::getenv(env.c_str()); text != nullptr) {
      return Value{.text = text, .where = "environment " + env, .list = false, .items = {}};
    }
    const auto found = values.find(key);
    if (found == values.end()) return std::nullopt;
    return found->second;
  }

  void Wrong(const Value& value, std::string_view key, std::string_view need) {
    errors.push_back(value.where + ": '" + std::string(key) + "' must be " + std::string(need));
  }

  void Use(std::string_view key, std::string text) { in_force[std::string(key)] = std::move(text); }

  // Parses a scalar with `parse`; keeps the fallback and notes the error when it does not fit.
  template <class T, class Parse>
  T Scalar(std::string_view key, T fallback, std::string_view need, Parse parse) {
    const auto value = Find(key);
    if (!value) return fallback;
    std::optional<T> parsed;
    if (!value->list) parsed = parse(value->text);
    if (!parsed) {
      Wrong(*value, key, need);
      return fallback;
    }
    return *parsed;
  }
};

Config::Config(std::unique_ptr<State> state) : state_(std::move(state)) {}
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(Config&&) noexcept = default;
Config::~Config() = default;

Expected<Config> Config::Parse(std::string_view text, const std::string& name) {
  auto state = std::make_unique<State>();
  state->name = name;
  ASSIGN_OR_RETURN(const YAML::Node root, ParseYaml(text, name));
  if (!root.IsNull()) {
    if (!root.IsMap()) return YamlError(name, root.Mark(), "the file must be a map of keys");
    RETURN_IF_ERROR(state->Flatten(root, ""));
  }
  return Config(std::move(state));
}

Expected<Config> Config::Load(const std::filesystem::path& path) {
  if (path.empty()) return Parse("", "(no file)");
  auto state = std::make_unique<State>();
  state->name = path.string();
  ASSIGN_OR_RETURN(const YAML::Node root, LoadYamlFile(path));
  if (!root.IsNull()) {
    if (!root.IsMap()) return YamlError(state->name, root.Mark(), "the file must be a map of keys");
    RETURN_IF_ERROR(state->Flatten(root, ""));
  }
  return Config(std::move(state));
}

std::string Config::String(std::string_view key, std::string_view fallback) {
  auto text = state_->Scalar<std::string>(key, std::string(fallback), "one value",
                                          [](const std::string& t) { return std::optional(t); });
  state_->Use(key, HideUrlPassword(text));
  return text;
}

std::string Config::Choice(std::string_view key, std::string_view fallback,
                           const std::vector<std::string>& allowed) {
  std::string need = "one of";
  for (const std::string& word : allowed) need += " " + word;
  auto text = state_->Scalar<std::string>(
      key, std::string(fallback), need, [&allowed](const std::string& t) {
        return std::ranges::find(allowed, t) == allowed.end() ? std::nullopt : std::optional(t);
      });
  state_->Use(key, text);
  return text;
}

std::int64_t Config::Int(std::string_view key, std::int64_t fallback, std::int64_t least,
                         std::int64_t most) {
  const auto number = state_->Scalar<std::int64_t>(
      key, fallback, "a whole number, " + std::to_string(least) + " to " + std::to_string(most),
      [least, most](const std::string& t) {
        const auto value = ParseNumber<std::int64_t>(t);
        return value && *value >= least && *value <= most ? value : std::nullopt;
      });
  state_->Use(key, std::to_string(number));
  return number;
}

double Config::Double(std::string_view key, double fallback, double least, double most) {
  const auto number = state_->Scalar<double>(
      key, fallback, "a number, " + std::to_string(least) + " to " + std::to_string(most),
      [least, most](const std::string& t) {
        const auto value = ParseNumber<double>(t);
        const bool fits = value && std::isfinite(*value) && *value >= least && *value <= most;
        return fits ? value : std::nullopt;
      });
  state_->Use(key, std::to_string(number));
  return number;
}

bool Config::Bool(std::string_view key, bool fallback) {
  const bool value = state_->Scalar<bool>(key, fallback, "true or false", [](const std::string& t) {
    if (t == "true") return std::optional(true);
    if (t == "false") return std::optional(false);
    return std::optional<bool>();
  });
  state_->Use(key, value ? "true" : "false");
  return value;
}

std::chrono::milliseconds Config::Duration(std::string_view key,
                                           std::chrono::milliseconds fallback) {
  const auto value = state_->Scalar<std::chrono::milliseconds>(
      key, fallback, "a time with its unit: 250ms, 15s, 2m, 1h",
      [](const std::string& t) { return ParseDuration(t); });
  state_->Use(key, std::to_string(value.count()) + "ms");
  return value;
}

std::vector<std::string> Config::List(std::string_view key,
                                      const std::vector<std::string>& fallback) {
  std::vector<std::string> items = fallback;
  if (const auto value = state_->Find(key)) {
    items = value->items;
    if (!value->list && !value->text.empty()) {
      if (!value->where.starts_with("environment")) {
        state_->Wrong(*value, key, "a list");
      } else {
        std::string_view rest = value->text;
        while (true) {
          const auto comma = rest.find(',');
          items.emplace_back(rest.substr(0, comma));
          if (comma == std::string_view::npos) break;
          rest.remove_prefix(comma + 1);
        }
      }
    }
  }
  std::string text = "[";
  for (const std::string& item : items) text += (text.size() > 1 ? ", " : "") + item;
  state_->Use(key, text + "]");
  return items;
}

std::map<std::string, double> Config::Doubles(std::string_view key) {
  std::map<std::string, double> numbers;
  const std::string prefix = std::string(key) + ".";
  for (const auto& [name, value] : state_->values) {
    if (name.starts_with(prefix)) numbers[name.substr(prefix.size())] = 0;
  }
  for (auto& [name, number] : numbers) number = Double(prefix + name, 0, -1e12, 1e12);
  return numbers;
}

std::string Config::Secret(std::string_view key, std::string_view fallback) {
  const std::string file_key = std::string(key) + "_file";
  auto text = state_->Scalar<std::string>(key, std::string(fallback), "one value",
                                          [](const std::string& t) { return std::optional(t); });
  if (const auto file = state_->Find(file_key)) {
    std::ifstream stream(file->text, std::ios::binary);
    if (!stream) {
      state_->Wrong(*file, file_key, "a file that can be read");
    } else {
      text.assign(std::istreambuf_iterator<char>(stream), {});
      if (text.ends_with('\n')) text.pop_back();
    }
  }
  state_->Use(key, text.empty() ? "(unset)" : "(set)");
  return text;
}

bool Config::Has(std::string_view key) const { return state_->Find(key).has_value(); }

Status Config::Finish() const {
  std::vector<std::string> errors = state_->errors;
  for (const auto& [key, value] : state_->values) {
    if (!state_->asked.contains(key)) {
      errors.push_back(value.where + ": unknown key '" + key + "'");
    }
  }
  if (errors.empty()) return OkStatus();
  std::string text;
  for (const std::string& error : errors) text += (text.empty() ? "" : "\n") + error;
  return Error(Code::kInvalidArgument, reason::kConfigInvalid, text, {{"file", state_->name}});
}

std::string Config::Print() const {
  std::string text;
  for (const auto& [key, value] : state_->in_force) {
    text.append(key).append(": ").append(value).append("\n");
  }
  return text;
}

}  // namespace kilonova::runtime
