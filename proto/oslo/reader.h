// SPDX-License-Identifier: Apache-2.0
// Reads the fields of one object and remembers the first that is missing, ill-typed or out of
// bounds. Ask for everything, then look at the status once:
//
//   Status status;
//   Reader data = Reader::OfNova(json, "Flavor", "args.instance.flavor", &status);
//   flavor.vcpus = data.Int("vcpus", 1, kMaxInt);
//   RETURN_IF_ERROR(status);
//
// After a problem every answer is empty, so nothing needs checking in between.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "proto/oslo/json.h"

namespace kilonova::oslo {

inline constexpr std::int64_t kMaxInt32 = 0x7FFFFFFF;  // the largest integer of Nova's database

struct MapLimits {
  std::size_t entries;
  std::size_t key;    // characters
  std::size_t value;  // characters
};

class Reader {
 public:
  // `json` may be null: as if it were no object.
  Reader(const Json* json, std::string path, Status* status);
  // The data of a versioned object that must be of kind `name`.
  static Reader OfNova(const Json* json, std::string_view name, std::string path, Status* status);

  bool ok() const { return status_->ok(); }
  Status* status() const { return status_; }
  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view key) const { return path_ + "." + std::string(key); }
  const Json* Find(std::string_view key) const;  // null when absent or null
  bool Has(std::string_view key) const { return Find(key) != nullptr; }
  const Json::Object& Members() const;  // none after a problem

  // Present and not null, else a problem. Text is bounded in characters.
  std::string Text(std::string_view key, std::size_t max = 255);
  std::int64_t Int(std::string_view key, std::int64_t least, std::int64_t most);
  double Number(std::string_view key);
  bool Flag(std::string_view key);
  Uuid Id(std::string_view key);
  WallTime Time(std::string_view key);
  // The same, but absent and null give what is said here.
  std::string TextOr(std::string_view key, std::string_view otherwise, std::size_t max = 255);
  std::int64_t IntOr(std::string_view key, std::int64_t otherwise, std::int64_t least,
                     std::int64_t most);
  double NumberOr(std::string_view key, double otherwise);
  bool FlagOr(std::string_view key, bool otherwise);
  // Absent, null and empty give the empty id.
  Uuid IdOrNone(std::string_view key);
  std::optional<WallTime> TimeOrNone(std::string_view key);

  // Text that people read: no control characters.
  std::string Name(std::string_view key, std::size_t max = 255);
  std::string NameOr(std::string_view key, std::string_view otherwise, std::size_t max = 255);

  // Absent and null are empty.
  std::map<std::string, std::string> Texts(std::string_view key, const MapLimits& limits);
  std::vector<std::string> TextList(std::string_view key, std::size_t most);

  Reader Child(std::string_view key);  // a plain object, which must be there
  Reader Nova(std::string_view key, std::string_view name);
  // One reader per element of a list of plain objects; absent and null are empty.
  std::vector<Reader> Children(std::string_view key, std::size_t most);
  // Elements of a list object ("BlockDeviceMappingList") of kind `element`.
  std::vector<Reader> NovaList(std::string_view key, std::string_view list,
                               std::string_view element, std::size_t most);
  std::vector<Reader> NovaElements(std::string_view key, std::string_view element,
                                   std::size_t most);

  // Notes a problem with a field, unless there was one before.
  void Refuse(std::string_view key, std::string_view why);
  void Require(bool good, std::string_view key, std::string_view why) {
    if (!good) Refuse(key, why);
  }
  // FEATURE_NOT_SERVED: understood, and not to be ignored.
  void NotServed(std::string_view key, std::string_view what);

 private:
  const Json* Must(std::string_view key);
  const Json::Array* List(std::string_view key, std::size_t most);

  const Json* json_;
  std::string path_;
  Status* status_;
};

}  // namespace kilonova::oslo
