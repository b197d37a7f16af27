// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/internal/table.h"

#include <gtest/gtest.h>

namespace kilonova::amqp {
namespace {

TEST(Table, Scalars_RoundTrip) {
  const Headers headers = {{"flag", true}, {"number", std::int64_t{-7}}, {"text", "caf\xc3\xa9"}};
  Table table(headers);
  EXPECT_EQ(CopyHeaders(table.table()), headers);
}

TEST(CopyHeaders, EveryKindOfInteger_BecomesOne) {
  amqp_table_entry_t entries[3] = {};
  entries[0].key = amqp_cstring_bytes("u8");
  entries[0].value.kind = AMQP_FIELD_KIND_U8;
  entries[0].value.value.u8 = 200;
  entries[1].key = amqp_cstring_bytes("i16");
  entries[1].value.kind = AMQP_FIELD_KIND_I16;
  entries[1].value.value.i16 = -3;
  entries[2].key = amqp_cstring_bytes("u32");
  entries[2].value.kind = AMQP_FIELD_KIND_U32;
  entries[2].value.value.u32 = 4'000'000'000u;
  const Headers want = {
      {"u8", std::int64_t{200}}, {"i16", std::int64_t{-3}}, {"u32", std::int64_t{4'000'000'000}}};
  EXPECT_EQ(CopyHeaders({3, entries}), want);
}

TEST(CopyHeaders, NestedAndVoid_AreLeftOut) {
  Table nested(Headers{{"inner", true}});
  Table table;
  table.SetTable("nested", &nested);
  table.Set("kept", std::string("yes"));
  EXPECT_EQ(CopyHeaders(table.table()), (Headers{{"kept", "yes"}}));
}

TEST(CopyText, Empty_NeedsNoBytes) { EXPECT_EQ(CopyText(amqp_empty_bytes), ""); }

}  // namespace
}  // namespace kilonova::amqp
