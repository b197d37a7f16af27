// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/internal/table.h"

#include <optional>

namespace kilonova::amqp {
namespace {

std::optional<HeaderValue> Scalar(const amqp_field_value_t& field) {
  switch (field.kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
      return field.value.boolean != 0;
    case AMQP_FIELD_KIND_I8:
      return std::int64_t{field.value.i8};
    case AMQP_FIELD_KIND_U8:
      return std::int64_t{field.value.u8};
    case AMQP_FIELD_KIND_I16:
      return std::int64_t{field.value.i16};
    case AMQP_FIELD_KIND_U16:
      return std::int64_t{field.value.u16};
    case AMQP_FIELD_KIND_I32:
      return std::int64_t{field.value.i32};
    case AMQP_FIELD_KIND_U32:
      return std::int64_t{field.value.u32};
    case AMQP_FIELD_KIND_I64:
      return std::int64_t{field.value.i64};
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
      return static_cast<std::int64_t>(field.value.u64);
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
      return CopyText(field.value.bytes);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string CopyText(amqp_bytes_t bytes) {
  if (bytes.len == 0) return {};
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

Headers CopyHeaders(const amqp_table_t& table) {
  Headers headers;
  for (int i = 0; i < table.num_entries; ++i) {
    const amqp_table_entry_t& entry = table.entries[i];
    if (auto value = Scalar(entry.value)) headers[CopyText(entry.key)] = *std::move(value);
  }
  return headers;
}

Table::Table(const Headers& headers) {
  for (const auto& [key, value] : headers) Set(key, value);
}

amqp_field_value_t& Table::Add(std::string_view key) {
  amqp_table_entry_t& entry = entries_.emplace_back();
  entry.key = Bytes(Keep(key));
  return entry.value;
}

void Table::Set(std::string_view key, const HeaderValue& value) {
  amqp_field_value_t& field = Add(key);
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    field.kind = AMQP_FIELD_KIND_I64;
    field.value.i64 = *number;
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    field.kind = AMQP_FIELD_KIND_UTF8;
    field.value.bytes = Bytes(Keep(*text));
  } else {
    field.kind = AMQP_FIELD_KIND_BOOLEAN;
    field.value.boolean = std::get<bool>(value) ? 1 : 0;
  }
}

void Table::SetTable(std::string_view key, Table* nested) {
  amqp_field_value_t& field = Add(key);
  field.kind = AMQP_FIELD_KIND_TABLE;
  field.value.table = nested->table();
}

amqp_table_t Table::table() { return {static_cast<int>(entries_.size()), entries_.data()}; }

}  // namespace kilonova::amqp
