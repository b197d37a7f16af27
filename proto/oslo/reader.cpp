// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/reader.h"

#include <cmath>
#include <utility>

#include "proto/oslo/object.h"
#include "proto/oslo/text_checks.h"

namespace kilonova::oslo {

Reader::Reader(const Json* json, std::string path, Status* status)
    : json_(json), path_(std::move(path)), status_(status) {
  if (!ok() || (json_ != nullptr && json_->AsObject() != nullptr)) return;
  *status_ = Error(Code::kInvalidArgument, reason::kObjectInvalid, path_ + " is not an object",
                   {{"field", path_}});
}

Reader Reader::OfNova(const Json* json, std::string_view name, std::string path, Status* status) {
  static const Json kNothing = Json::MakeObject();
  if (status->ok()) {
    const Json* kind = json == nullptr ? nullptr : json->Find("nova_object.name");
    if (json == nullptr || !LooksLikeObject(*json) || kind->AsString() == nullptr ||
        *kind->AsString() != name) {
      *status = Error(Code::kInvalidArgument, reason::kObjectInvalid,
                      path + " is not a " + std::string(name), {{"field", path}});
    }
  }
  const Json* data = status->ok() ? json->Find("nova_object.data") : &kNothing;
  return Reader(data, std::move(path), status);
}

const Json* Reader::Find(std::string_view key) const {
  if (!ok()) return nullptr;
  const Json* value = json_->Find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const Json::Object& Reader::Members() const {
  static const Json::Object kNone;
  return ok() ? *json_->AsObject() : kNone;
}

void Reader::Refuse(std::string_view key, std::string_view why) {
  if (!ok()) return;
  const std::string field = PathOf(key);
  *status_ = Error(Code::kInvalidArgument, reason::kObjectInvalid, field + " " + std::string(why),
                   {{"field", field}});
}

void Reader::NotServed(std::string_view key, std::string_view what) {
  if (!ok()) return;
  *status_ = Error(Code::kUnimplemented, reason::kFeatureNotServed,
                   std::string(what) + " is not served yet", {{"field", PathOf(key)}});
}

const Json* Reader::Must(std::string_view key) {
  const Json* value = Find(key);
  if (value == nullptr) Refuse(key, "is missing");
  return value;
}

std::string Reader::Text(std::string_view key, std::size_t max) {
  const Json* value = Must(key);
  if (value == nullptr) return {};
  const std::string* text = value->AsString();
  if (text == nullptr) {
    Refuse(key, "is not a string");
  } else if (CountCharacters(*text) > max) {
    Refuse(key, "is longer than " + std::to_string(max) + " characters");
  } else {
    return *text;
  }
  return {};
}

std::int64_t Reader::Int(std::string_view key, std::int64_t least, std::int64_t most) {
  const Json* value = Must(key);
  if (value == nullptr) return 0;
  if (value->AsInt() == nullptr && value->AsBigInt() == nullptr) {
    Refuse(key, "is not an integer");
  } else if (value->AsInt() == nullptr || *value->AsInt() < least || *value->AsInt() > most) {
    Refuse(key, "is not within " + std::to_string(least) + " and " + std::to_string(most));
  } else {
    return *value->AsInt();
  }
  return 0;
}

double Reader::Number(std::string_view key) {
  const Json* value = Must(key);
  if (value == nullptr) return 0;
  if (const auto* fraction = value->AsFraction()) return fraction->value;
  if (const auto* integer = value->AsInt()) return static_cast<double>(*integer);
  Refuse(key, "is not a number");
  return 0;
}

bool Reader::Flag(std::string_view key) {
  const Json* value = Must(key);
  if (value == nullptr) return false;
  if (const bool* flag = value->AsBool()) return *flag;
  Refuse(key, "is not true or false");
  return false;
}

Uuid Reader::Id(std::string_view key) {
  const std::string text = Text(key);
  if (!ok()) return {};
  auto id = Uuid::Parse(text);
  if (id.ok()) return *id;
  Refuse(key, "is not a canonical uuid");
  return {};
}

WallTime Reader::Time(std::string_view key) {
  const std::string text = Text(key, 64);
  if (!ok()) return {};
  auto time = ParseTime(text);
  if (time.ok()) return *time;
  Refuse(key, "is not a time");
  return {};
}

std::string Reader::TextOr(std::string_view key, std::string_view otherwise, std::size_t max) {
  return Has(key) ? Text(key, max) : std::string(otherwise);
}
std::int64_t Reader::IntOr(std::string_view key, std::int64_t otherwise, std::int64_t least,
                           std::int64_t most) {
  return Has(key) ? Int(key, least, most) : otherwise;
}
double Reader::NumberOr(std::string_view key, double otherwise) {
  return Has(key) ? Number(key) : otherwise;
}
bool Reader::FlagOr(std::string_view key, bool otherwise) {
  return Has(key) ? Flag(key) : otherwise;
}
Uuid Reader::IdOrNone(std::string_view key) {
  const Json* value = Find(key);
  if (value == nullptr) return {};
  if (const std::string* text = value->AsString(); text != nullptr && text->empty()) return {};
  return Id(key);
}
std::optional<WallTime> Reader::TimeOrNone(std::string_view key) {
  if (!Has(key)) return std::nullopt;
  return Time(key);
}

std::string Reader::Name(std::string_view key, std::size_t max) {
  std::string text = Text(key, max);
  Require(!HasControlCharacters(text), key, "has control characters");
  return text;
}
std::string Reader::NameOr(std::string_view key, std::string_view otherwise, std::size_t max) {
  return Has(key) ? Name(key, max) : std::string(otherwise);
}

std::map<std::string, std::string> Reader::Texts(std::string_view key, const MapLimits& limits) {
  std::map<std::string, std::string> out;
  if (!Has(key)) return out;
  Reader texts = Child(key);
  const Json::Object& members = texts.Members();
  if (members.size() > limits.entries) {
    Refuse(key, "has more than " + std::to_string(limits.entries) + " entries");
    return out;
  }
  for (const Json::Member& member : members) {
    if (member.key.empty() || CountCharacters(member.key) > limits.key ||
        HasControlCharacters(member.key)) {
      Refuse(key, "has a key that is empty, too long or not printable");
    }
    out.emplace(member.key, texts.Text(member.key, limits.value));
  }
  return out;
}

const Json::Array* Reader::List(std::string_view key, std::size_t most) {
  const Json* value = Find(key);
  if (value == nullptr) return nullptr;
  const Json::Array* list = value->AsArray();
  if (list == nullptr) {
    Refuse(key, "is not a list");
  } else if (list->size() > most) {
    Refuse(key, "has more than " + std::to_string(most) + " elements");
    return nullptr;
  }
  return list;
}

std::vector<std::string> Reader::TextList(std::string_view key, std::size_t most) {
  std::vector<std::string> out;
  const Json::Array* list = List(key, most);
  if (list == nullptr) return out;
  for (const Json& element : *list) {
    const std::string* text = element.AsString();
    if (text == nullptr || CountCharacters(*text) > 255) {
      Refuse(key, "has an element that is no text of at most 255 characters");
      return {};
    }
    out.push_back(*text);
  }
  return out;
}

Reader Reader::Child(std::string_view key) { return Reader(Find(key), PathOf(key), status_); }

Reader Reader::Nova(std::string_view key, std::string_view name) {
  return OfNova(Find(key), name, PathOf(key), status_);
}

std::vector<Reader> Reader::Children(std::string_view key, std::size_t most) {
  std::vector<Reader> out;
  const Json::Array* list = List(key, most);
  if (list == nullptr) return out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    out.emplace_back(&(*list)[i], PathOf(key) + "[" + std::to_string(i) + "]", status_);
  }
  return out;
}

std::vector<Reader> Reader::NovaElements(std::string_view key, std::string_view element,
                                         std::size_t most) {
  std::vector<Reader> out;
  const Json::Array* list = List(key, most);
  if (list == nullptr) return out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    out.push_back(
        OfNova(&(*list)[i], element, PathOf(key) + "[" + std::to_string(i) + "]", status_));
  }
  return out;
}

std::vector<Reader> Reader::NovaList(std::string_view key, std::string_view list,
                                     std::string_view element, std::size_t most) {
  if (!Has(key)) return {};
  Reader data = Nova(key, list);
  return data.NovaElements("objects", element, most);
}

}  // namespace kilonova::oslo
