// SPDX-License-Identifier: Apache-2.0
// A store in a directory of its own, for the tests of what it keeps and of the files it keeps.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {

inline InstancePtr Record(std::int64_t id, const Uuid& uuid = Uuid::Random()) {
  auto record = std::make_shared<InstanceRecord>();
  record->spec.id = id;
  record->spec.uuid = uuid;
  record->spec.display_name = "name";
  record->flavor = std::make_shared<const model::Flavor>();
  record->image = std::make_shared<const model::ImageSource>();
  return record;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() : path_(dir_.File("state.db")) {}
  std::unique_ptr<Store> Open() {
    auto store = adapters::OpenSqliteStore({.path = path_});
    EXPECT_TRUE(store.ok()) << Describe(store.status());
    return store.ok() ? *std::move(store) : nullptr;
  }
  Status OpenError() { return adapters::OpenSqliteStore({.path = path_}).status(); }
  void Sql(const char* text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_free(error);
    sqlite3_close(db);
  }
  std::string Bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream all;
    all << file.rdbuf();
    return all.str();
  }
  TempDir dir_;
  std::string path_;
};

}  // namespace kilonova::scheduler::core
