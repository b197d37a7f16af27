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

Expected<std::optional<InstancePtr>> Conductor::Impl::FindLive(const Uuid& uuid) {
  {
    absl::MutexLock lock(&mutex_);
    const UuidKey key = KeyOf(uuid);
    if (live_.Find(key) == nullptr) return std::nullopt;
    if (InstancePtr recent = recent_.Find(key)) return std::optional(std::move(recent));
  }
  // What is in memory was committed before, so this is no older; it may have gone since.
  auto read = store_.Instance(uuid);
  if (!read.ok() && HasReason(read.status(), reason::kInstanceNotFound)) return std::nullopt;
  RETURN_IF_ERROR(read.status());
  if ((*read)->deleted()) return std::nullopt;
  return std::optional(*std::move(read));
}

Expected<InstancePtr> Conductor::Impl::Live(const Uuid& uuid) {
  ASSIGN_OR_RETURN(auto found, FindLive(uuid));
  if (!found) return NotFound(uuid.str());
  return *std::move(found);
}

Expected<Uuid> Conductor::Impl::ResolveInstance(const std::string& instance) {
  if (auto uuid = Uuid::Parse(instance); uuid.ok()) return uuid;
  // More than two, as others may have a name with the same hash.
  constexpr std::size_t kMost = 8;
  std::vector<std::int64_t> ids;
  {
    absl::MutexLock lock(&mutex_);
    ids = live_.MayBeNamed(instance, kMost);
  }
  if (ids.empty()) return NotFound(instance);
  ASSIGN_OR_RETURN(std::vector<InstancePtr> named, store_.Instances(ids));
  std::erase_if(named, [&](const InstancePtr& r) {
    return r->deleted() || r->spec.display_name != instance;
  });
  if (named.empty()) return NotFound(instance);
  if (named.size() > 1) {
    return Error(Code::kFailedPrecondition, reason::kInvalidArgument,
                 "several instances have this name; use the uuid", {{"field", "instance"}});
  }
  return named.front()->uuid();
}

Expected<InstancePtr> Conductor::Impl::GetInstance(const std::string& instance) {
  ASSIGN_OR_RETURN(const Uuid uuid, ResolveInstance(instance));
  {
    absl::MutexLock lock(&mutex_);
    if (InstancePtr recent = recent_.Find(KeyOf(uuid))) return recent;
  }
  return store_.Instance(uuid);
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
  const DeletedQuery wanted{filter.project_id, filter.host, filter.name, filter.flavor,
                            filter.image_id,   before,      size + 1};
  Page<InstancePtr> page;
  std::vector<std::int64_t> ids;
  if (deleted) {
    ASSIGN_OR_RETURN(page.items, store_.DeletedInstances(wanted));
    for (const InstancePtr& record : page.items) ids.push_back(record->spec.id);
  } else {
    ids = LiveIds(wanted, filter.vm_state);
  }
  if (ids.size() > size) {
    ids.resize(size);
    page.next_page_token = MakePageToken(list, std::to_string(ids.back()));
  }
  if (deleted) {
    page.items.resize(ids.size());
  } else {
    ASSIGN_OR_RETURN(page.items, store_.Instances(ids));
    std::erase_if(page.items, [](const InstancePtr& r) { return r->deleted(); });
  }
  // One may have changed since it was found, or share no more than a hash with what was asked for.
  std::erase_if(page.items, [&](const InstancePtr& r) { return !Matches(*r, filter); });
  return page;
}

std::vector<std::int64_t> Conductor::Impl::LiveIds(const DeletedQuery& wanted,
                                                   std::optional<model::VmState> state) {
  // A slice at a time: a list over a million instances must not hold everyone else up.
  constexpr std::size_t kSlice = 4096;
  std::vector<std::int64_t> ids;
  std::int64_t before = wanted.before_id;
  std::size_t seen = kSlice;
  while (seen == kSlice && ids.size() < wanted.most) {
    seen = 0;
    absl::MutexLock lock(&mutex_);
    const auto filter = live_.FilterOf(wanted, state);
    if (!filter) return ids;
    live_.Below(before, [&](const LiveInstance& instance) {
      before = instance.id;
      if (filter->Matches(instance)) ids.push_back(instance.id);
      return ++seen < kSlice && ids.size() < wanted.most;
    });
  }
  return ids;
}

LiveSince Conductor::Impl::LiveAfter(std::int64_t revision, const WatchFilter& wanted) {
  LiveSince live;
  {
    absl::MutexLock lock(&mutex_);
    live.as_of = hub_.Cursor();
    const auto filter = live_.FilterOf({.project_id = wanted.project_id}, std::nullopt);
    if (!filter) return live;
    const auto add = [&](const LiveInstance& instance) {
      if (instance.revision <= revision || !filter->Matches(instance)) return;
      live.instances.push_back({instance.revision, instance.id});
    };
    if (wanted.instances.empty()) {
      live_.ForEach(add);
    } else {
      for (const Uuid& uuid : wanted.instances) {
        if (const LiveInstance* instance = live_.Find(uuid)) add(*instance);
      }
    }
  }
  std::ranges::sort(live.instances, {}, &LiveSince::Instance::revision);
  return live;
}

}  // namespace kilonova::scheduler::core
