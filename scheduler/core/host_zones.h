// SPDX-License-Identifier: Apache-2.0
// How many hosts are in each availability zone, so that a request's zone is judged without asking
// every host. Not thread-safe; the conductor guards it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace kilonova::scheduler::core {

class HostZones {
 public:
  // The zone `host` is in, the one its own configuration names ("" = none), and whether operators
  // let it take instances. Counts it there and no longer where it was.
  void Set(const std::string& host, const std::string& zone, const std::string& own, bool enabled) {
    Where& where = hosts_[host];
    if (where.zone != nullptr && where.enabled) --where.zone->enabled;
    if (where.own != nullptr) --where.own->named;
    where = {&zones_[zone], own.empty() ? nullptr : &zones_[own], enabled};
    if (enabled) ++where.zone->enabled;
    if (where.own != nullptr) ++where.own->named;
  }
  // As Nova's: an enabled host is in it, up or down.
  bool Available(std::string_view zone) const { return Of(zone).enabled > 0; }
  bool NamedByHosts(std::string_view zone) const { return Of(zone).named > 0; }

 private:
  struct Tally {
    std::size_t enabled = 0;  // hosts in it
    std::size_t named = 0;    // hosts whose own configuration names it
  };
  struct Where {
    Tally* zone = nullptr;
    Tally* own = nullptr;
    bool enabled = false;
  };
  Tally Of(std::string_view zone) const {
    const auto found = zones_.find(zone);
    return found == zones_.end() ? Tally{} : found->second;
  }
  absl::flat_hash_map<std::string, Where> hosts_;
  std::map<std::string, Tally, std::less<>> zones_;
};

}  // namespace kilonova::scheduler::core
