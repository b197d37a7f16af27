// SPDX-License-Identifier: Apache-2.0
// Writes instances and their claims: the columns a start reads, the rest as a document in a table
// of its own, and what many instances share (flavor, image, amounts) once in `parts`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "scheduler/adapters/store/statements.h"
#include "scheduler/core/store.h"

namespace kilonova::scheduler::adapters {

class InstanceRows {
 public:
  explicit InstanceRows(Statements& statements) : statements_(statements) {}

  // `doc` is PackInstance's. nullopt leaves the password that is there.
  void Put(const core::InstanceRecord& record, std::int64_t revision, const std::string& doc,
           const std::optional<std::string>& admin_password);
  // `doc` is ResourcesDoc's. False: no such instance.
  bool PutClaim(const core::ClaimRow& claim, const std::string& doc);
  void DropClaim(const Uuid& instance);
  // 0: no such instance.
  std::int64_t IdOf(const Uuid& instance);

  // With each unit, and after one that was rolled back: what it wrote may not be there.
  void BeginUnit() { last_ = {}; }
  void RolledBack();

 private:
  struct Known {
    std::shared_ptr<const void> value;  // keeps the address from meaning another
    std::int64_t id = 0;
  };
  template <class T>
  std::int64_t SharedPart(const std::shared_ptr<const T>& value);
  std::int64_t Part(const std::string& doc);

  Statements& statements_;
  std::unordered_map<const void*, Known> shared_;
  std::unordered_map<std::string, std::int64_t> parts_;
  std::pair<Uuid, std::int64_t> last_;  // the instance written last, and its id
};

}  // namespace kilonova::scheduler::adapters
