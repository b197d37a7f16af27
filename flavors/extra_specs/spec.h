// SPDX-License-Identifier: Apache-2.0
// What the registry says of one extra spec. The tables of tables/ are made of these.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kilonova::flavors::extra_specs {

enum class ValueType : std::uint8_t { kStr, kInt, kBool };

// How a text must look where it is neither free nor one of a few words.
enum class ValueForm : std::uint8_t {
  kFree,
  kCpuList,     // 0-3,^2,5: numbers and ranges, those after ^ left out
  kPageSize,    // large, small, any, or a size: 2048, 2MB, 1GiB
  kLabels,      // words of letters, digits and _, with commas between them
  kPciAliases,  // alias:count, with commas between them
};

// Whose virt driver acts on it in Nova.
enum class Driver : std::uint8_t { kAny, kLibvirt, kVmware, kHyperV, kLibvirtOrHyperV };

struct ValueRule {
  ValueType type = ValueType::kStr;
  std::optional<std::int64_t> min, max;       // of an int; inclusive
  std::span<const std::string_view> allowed;  // of a str; empty = not a choice
  ValueForm form = ValueForm::kFree;          // of a str
};

// A row of a table. A name may hold parameters in braces: {num} digits, {group} the suffix of a
// granular resource group or nothing, {filter} any number of ":word", {key} anything, {resource}
// and {trait} capitals, digits and underscores.
struct Row {
  std::string_view name;
  ValueRule value;
  std::string_view help;
  Driver driver = Driver::kAny;
  bool deprecated = false;
};

// Rows of their own, or many names that share all but the name.
struct Table {
  std::span<const Row> rows;
  std::string_view prefix;  // before each of `names`
  std::span<const std::string_view> names;
  Row common;
};

// A row as it is looked up; `name` is whole.
struct ExtraSpec {
  std::string name;
  ValueRule value;
  std::string_view help;
  Driver driver = Driver::kAny;
  bool deprecated = false;
};

}  // namespace kilonova::flavors::extra_specs
