// SPDX-License-Identifier: Apache-2.0
// The fleet's columns of resource classes.
#include <algorithm>

#include "scheduler/core/fleet.h"

namespace kilonova::scheduler::core {

void ClassColumn::Resize(std::size_t hosts) {
  units.resize(hosts);
  min_unit.resize(hosts, 1);
  step_size.resize(hosts, 1);
}

void ClassColumn::UpdateRoom(HostIndex host) {
  Units& own = units[host];
  const std::int64_t left = std::min(own.capacity - own.used, own.max_unit);
  own.room = static_cast<std::int32_t>(std::clamp<std::int64_t>(left, -1, INT32_MAX));
}

void Fleet::AddClass(std::string_view name) {
  auto column = std::make_unique<ClassColumn>();
  column->name = name;
  column->Resize(records_.size());
  classes_.push_back(std::move(column));
}

std::optional<std::uint32_t> Fleet::FindClassId(std::string_view name) const {
  for (std::uint32_t id = kNoClass + 1; id < classes_.size(); ++id) {
    if (classes_[id]->name == name) return id;
  }
  return std::nullopt;
}

Expected<std::uint32_t> Fleet::ClassId(std::string_view name) {
  if (const auto known = FindClassId(name)) return *known;
  if (classes_.size() > kMostResourceClasses) {
    return Error(Code::kResourceExhausted, reason::kInvalidArgument,
                 "too many different resource classes", {{"resource_class", std::string(name)}});
  }
  AddClass(name);
  return static_cast<std::uint32_t>(classes_.size() - 1);
}

void Fleet::SetInventories(HostIndex host, const model::Inventories& inventories) {
  for (auto& column : classes_) {
    const auto found = inventories.find(column->name);
    const bool has = found != inventories.end();
    const auto odd = [&] { return column->min_unit[host] > 1 || column->step_size[host] > 1; };
    column->odd_units -= odd() ? 1 : 0;
    column->units[host].capacity = has ? found->second.Capacity() : 0;
    column->min_unit[host] = has ? found->second.min_unit : 1;
    column->units[host].max_unit = has ? found->second.max_unit : 0;
    column->step_size[host] = has ? found->second.step_size : 1;
    column->odd_units += odd() ? 1 : 0;
    column->UpdateRoom(host);
  }
  records_[host]->inventories = inventories;
}

}  // namespace kilonova::scheduler::core
