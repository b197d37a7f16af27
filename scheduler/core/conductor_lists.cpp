// SPDX-License-Identifier: Apache-2.0
// Reading instances.
#include <algorithm>
#include <charconv>
#include <utility>

#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

Status NotFound(const std::string& instance) {
  return Error(Code::kNotFound, reason::kInstanceNotFound,
               IsUtf8(instance) && instance.size() <= 255 ? "no instance " + instance
                                                          : std::string("no such instance"));
}

bool Matches(const InstanceRecord& r, const InstanceFilter& f) {
  return (f.project_id.empty() || r.spec.project_id == f.project_id) &&
         (f.host.empty() || r.host == f.host) &&
         (f.name.empty() || r.spec.display_name == f.name) &&
         (f.flavor.empty() || r.flavor->flavorid == f.flavor) &&
         (f.image_id.empty() || r.image->id.str() == f.image_id) &&
         (!f.vm_state || r.vm_state == *f.vm_state);
}

// Tokens of one filter do not fit another: the pages would not belong together.
std::string ListName(const InstanceFilter& f) {
  std::string name = "instances";
  for (const std::string* part : {&f.project_id, &f.host, &f.name, &f.flavor, &f.image_id}) {
    name += '\n' + *part;
  }
  return name + '\n' + (f.vm_state ? std::string(model::Name(*f.vm_state)) : "") +
         (f.deleted ? "\ndeleted" : "");
}

}  // namespace

Expected<InstancePtr> Conductor::Impl::Live(const Uuid& uuid) {
  absl::MutexLock lock(&mutex_);
  const auto found = instances_.find(uuid);
  if (found == instances_.end()) return NotFound(uuid.str());
  return found->second;
}

Expected<Uuid> Conductor::Impl::ResolveInstance(const std::string& instance) {
  if (auto uuid = Uuid::Parse(instance); uuid.ok()) return uuid;
  absl::MutexLock lock(&mutex_);
  const auto [first, last] = by_name_.equal_range(instance);
  if (first == last) return NotFound(instance);
  if (std::next(first) != last) {
    return Error(Code::kFailedPrecondition, reason::kInvalidArgument,
                 "several instances have this name; use the uuid", {{"field", "instance"}});
  }
  return first->second;
}

Expected<InstancePtr> Conductor::Impl::GetInstance(const std::string& instance) {
  ASSIGN_OR_RETURN(const Uuid uuid, ResolveInstance(instance));
  if (auto live = Live(uuid); live.ok()) return live;
  return store_.DeletedInstance(uuid);
}

Expected<Page<InstancePtr>> Conductor::Impl::ListInstances(const InstanceFilter& filter,
                                                           const PageRequest& request) {
  ASSIGN_OR_RETURN(const std::size_t size, PageSize(request));
  const std::string list = ListName(filter);
  std::int64_t before = INT64_MAX;
  if (!request.page_token.empty()) {
    ASSIGN_OR_RETURN(const std::string last, ReadPageToken(list, request.page_token));
    std::from_chars(last.data(), last.data() + last.size(), before);
  }
  const bool deleted =
      filter.deleted || (filter.vm_state && *filter.vm_state == model::VmState::kDeleted);
  Page<InstancePtr> page;
  if (deleted) {
    ASSIGN_OR_RETURN(page.items,
                     store_.DeletedInstances({filter.project_id, filter.host, filter.name,
                                              filter.flavor, filter.image_id, before, size + 1}));
    std::erase_if(page.items, [&](const InstancePtr& r) { return !Matches(*r, filter); });
  } else {
    // A slice at a time: a list over a million instances must not hold everyone else up.
    constexpr std::size_t kSlice = 4096;
    std::vector<InstancePtr> slice;
    do {
      slice.clear();
      {
        absl::MutexLock lock(&mutex_);
        for (auto it = by_id_.upper_bound(before); it != by_id_.end() && slice.size() < kSlice;
             ++it) {
          slice.push_back(it->second);
        }
      }
      for (InstancePtr& record : slice) {
        before = record->spec.id;
        if (page.items.size() <= size && Matches(*record, filter)) {
          page.items.push_back(std::move(record));
        }
      }
    } while (slice.size() == kSlice && page.items.size() <= size);
  }
  if (page.items.size() > size) {
    page.items.resize(size);
    page.next_page_token = MakePageToken(list, std::to_string(page.items.back()->spec.id));
  }
  return page;
}

LiveSince Conductor::Impl::LiveAfter(std::int64_t revision) {
  LiveSince live;
  {
    absl::MutexLock lock(&mutex_);
    live.as_of = hub_.Cursor();
    for (const auto& [uuid, record] : instances_) {
      if (record->revision > revision) live.instances.push_back(record);
    }
  }
  std::ranges::sort(live.instances, {}, [](const InstancePtr& i) { return i->revision; });
  return live;
}

}  // namespace kilonova::scheduler::core
