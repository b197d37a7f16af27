// SPDX-License-Identifier: Apache-2.0
// Between Headers and the library's field tables.
#pragma once

#include <amqp.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "proto/amqp/message.h"

namespace kilonova::amqp {

// A view; `text` must outlive the call it is passed to.
inline amqp_bytes_t Bytes(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
std::string CopyText(amqp_bytes_t bytes);

// Integers that mean something come as many kinds; nested tables and arrays are left out.
Headers CopyHeaders(const amqp_table_t& table);

// A field table and what it points to. Not movable once `table()` was taken.
class Table {
 public:
  Table() = default;
  explicit Table(const Headers& headers);
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  void Set(std::string_view key, const HeaderValue& value);
  void SetTable(std::string_view key, Table* nested);  // `nested` must outlive this
  amqp_table_t table();

 private:
  amqp_field_value_t& Add(std::string_view key);
  std::string_view Keep(std::string_view text) { return texts_.emplace_back(text); }

  std::deque<std::string> texts_;
  std::vector<amqp_table_entry_t> entries_;
};

}  // namespace kilonova::amqp
