// SPDX-License-Identifier: Apache-2.0
// Flavors, images and networks: what instances are made from.
#include <algorithm>
#include <utility>

#include "common/base/hash.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

Status NotFound(Reason why, std::string_view kind, const std::string& name) {
  std::string text = "no such " + std::string(kind);
  if (CheckText("name", name, 1, 255).ok()) text = "no " + std::string(kind) + " " + name;
  return Error(Code::kNotFound, why, text);
}

template <class Map, class Key, class Make>
auto PageOf(const Map& map, const Key& after, std::size_t size, std::string_view list, Make make) {
  Page<std::decay_t<decltype(make(*map.begin()))>> page;
  auto it = map.upper_bound(after);
  std::string last;
  for (; it != map.end() && page.items.size() < size; ++it) {
    page.items.push_back(make(*it));
    if constexpr (std::is_same_v<Key, Uuid>) {
      last = it->first.str();
    } else {
      last = it->first;
    }
  }
  if (it != map.end()) page.next_page_token = MakePageToken(list, last);
  return page;
}

Expected<Uuid> UuidAfter(std::string_view list, const std::string& token) {
  if (token.empty()) return Uuid();
  ASSIGN_OR_RETURN(const std::string last, ReadPageToken(list, token));
  return Uuid::Parse(last);
}

}  // namespace

Conductor::Impl::CatalogLock::CatalogLock(Impl& impl) : impl_(impl) {
  absl::MutexLock lock(&impl_.mutex_);
  impl_.mutex_.Await(absl::Condition(&impl_, &Impl::CatalogFree));
  impl_.catalog_busy_ = true;
}
Conductor::Impl::CatalogLock::~CatalogLock() {
  absl::MutexLock lock(&impl_.mutex_);
  impl_.catalog_busy_ = false;
}

// ---- flavors

const model::Flavor* Conductor::Impl::FindFlavor(const std::string& text) {
  if (const auto found = flavors_.find(text); found != flavors_.end()) return found->second.get();
  for (const auto& [id, flavor] : flavors_) {
    if (flavor->name == text) return flavor.get();
  }
  return nullptr;
}

Expected<model::Flavor> Conductor::Impl::CreateFlavor(model::Flavor flavor) {
  if (flavor.flavorid.empty()) flavor.flavorid = Uuid::Random().str();
  RETURN_IF_ERROR(model::ValidateFlavor(flavor));
  const CatalogLock mine(*this);
  {
    absl::MutexLock lock(&mutex_);
    const bool taken =
        flavors_.contains(flavor.flavorid) || std::ranges::any_of(flavors_, [&](const auto& entry) {
          return entry.second->name == flavor.name;
        });
    if (taken) {
      return Error(Code::kAlreadyExists, reason::kFlavorExists,
                   "a flavor of this flavorid or name exists");
    }
    flavor.id = ++last_flavor_id_;
  }
  Change change;
  change.ops.emplace_back(PutFlavor{flavor});
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    flavors_[flavor.flavorid] = std::make_shared<const model::Flavor>(flavor);
  });
  RETURN_IF_ERROR(Commit(std::move(change)));
  if (flavors_changed_) flavors_changed_();
  return flavor;
}

Expected<model::Flavor> Conductor::Impl::UpdateFlavor(const std::string& name,
                                                      model::ExtraSpecs extra_specs,
                                                      std::string description) {
  const CatalogLock mine(*this);
  ASSIGN_OR_RETURN(model::Flavor flavor, GetFlavor(name));
  flavor.extra_specs = std::move(extra_specs);
  flavor.description = std::move(description);
  RETURN_IF_ERROR(model::ValidateFlavor(flavor));
  Change change;
  change.ops.emplace_back(PutFlavor{flavor});
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    flavors_[flavor.flavorid] = std::make_shared<const model::Flavor>(flavor);
  });
  RETURN_IF_ERROR(Commit(std::move(change)));
  if (flavors_changed_) flavors_changed_();
  return flavor;
}

Status Conductor::Impl::DeleteFlavor(const std::string& name) {
  const CatalogLock mine(*this);
  ASSIGN_OR_RETURN(const model::Flavor flavor, GetFlavor(name));
  Change change;
  change.ops.emplace_back(DropFlavor{flavor.flavorid});
  change.on_commit.emplace_back(
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { flavors_.erase(flavor.flavorid); });
  RETURN_IF_ERROR(Commit(std::move(change)));
  if (flavors_changed_) flavors_changed_();
  return OkStatus();
}

Expected<model::Flavor> Conductor::Impl::GetFlavor(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const model::Flavor* flavor = FindFlavor(name);
  if (flavor == nullptr) return NotFound(reason::kFlavorNotFound, "flavor", name);
  return *flavor;
}

Expected<Page<model::Flavor>> Conductor::Impl::ListFlavors(const PageRequest& request) {
  ASSIGN_OR_RETURN(const std::size_t size, PageSize(request));
  std::string after;
  if (!request.page_token.empty()) {
    ASSIGN_OR_RETURN(after, ReadPageToken("flavors", request.page_token));
  }
  absl::MutexLock lock(&mutex_);
  return PageOf(flavors_, after, size, "flavors", [](const auto& e) { return *e.second; });
}

FlavorSet Conductor::Impl::Flavors() {
  FlavorSet set;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, flavor] : flavors_) set.flavors.push_back(*flavor);
  }
  Sha256 hash;
  for (const model::Flavor& flavor : set.flavors) hash.Update(flavor.ContentHash() + "\n");
  set.hash = hash.FinishHex();
  return set;
}

// ---- images

Expected<const ImageRecord*> Conductor::Impl::FindImage(const std::string& text) {
  if (const auto uuid = Uuid::Parse(text); uuid.ok()) {
    const auto found = images_.find(*uuid);
    if (found != images_.end()) return &found->second;
  }
  const ImageRecord* found = nullptr;
  for (const auto& [id, image] : images_) {
    if (image.source.name != text) continue;
    if (found != nullptr) {
      return Error(Code::kFailedPrecondition, reason::kImageInvalid,
                   "several images have this name; use the id", {{"field", "image"}});
    }
    found = &image;
  }
  if (found == nullptr) return NotFound(reason::kImageNotFound, "image", text);
  return found;
}

Expected<ImageRecord> Conductor::Impl::RegisterImage(model::ImageSource source) {
  RETURN_IF_ERROR(CheckImage(source));
  if (source.id.empty()) source.id = Uuid::Random();
  const ImageRecord image{std::move(source), clock_.Now()};
  const Uuid& id = image.source.id;
  const CatalogLock mine(*this);
  {
    absl::MutexLock lock(&mutex_);
    if (images_.contains(id)) {
      return Error(Code::kAlreadyExists, reason::kImageExists, "an image of this id exists");
    }
  }
  Change change;
  change.ops.emplace_back(PutImage{image});
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { images_[id] = image; });
  RETURN_IF_ERROR(Commit(std::move(change)));
  return image;
}

Expected<ImageRecord> Conductor::Impl::GetImage(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(const ImageRecord* image, FindImage(name));
  return *image;
}

Expected<Page<ImageRecord>> Conductor::Impl::ListImages(const PageRequest& request) {
  ASSIGN_OR_RETURN(const std::size_t size, PageSize(request));
  ASSIGN_OR_RETURN(const Uuid after, UuidAfter("images", request.page_token));
  absl::MutexLock lock(&mutex_);
  return PageOf(images_, after, size, "images", [](const auto& e) { return e.second; });
}

Status Conductor::Impl::DeleteImage(const std::string& name) {
  const CatalogLock mine(*this);
  ASSIGN_OR_RETURN(const ImageRecord image, GetImage(name));
  Change change;
  change.ops.emplace_back(DropImage{image.source.id});
  change.on_commit.emplace_back(
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { images_.erase(image.source.id); });
  return Commit(std::move(change));
}

// ---- networks

Conductor::Impl::Network* Conductor::Impl::FindNetwork(const std::string& text) {
  if (const auto uuid = Uuid::Parse(text); uuid.ok()) {
    const auto found = networks_.find(*uuid);
    if (found != networks_.end()) return &found->second;
  }
  for (auto& [id, network] : networks_) {
    if (network.record.name == text) return &network;
  }
  return nullptr;
}

Expected<NetworkRecord> Conductor::Impl::CreateNetwork(NetworkRecord raw) {
  ASSIGN_OR_RETURN(NetworkRecord network, NormalizeNetwork(std::move(raw)));
  if (network.id.empty()) network.id = Uuid::Random();
  const CatalogLock mine(*this);
  {
    absl::MutexLock lock(&mutex_);
    if (networks_.contains(network.id) || FindNetwork(network.name) != nullptr) {
      return Error(Code::kAlreadyExists, reason::kNetworkExists,
                   "a network of this id or name exists");
    }
  }
  Change change;
  change.ops.emplace_back(PutNetwork{network});
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Network& entry = networks_[network.id];
    entry.pool = AddressPool(network);
    entry.record = network;
  });
  RETURN_IF_ERROR(Commit(std::move(change)));
  return network;
}

Expected<NetworkRecord> Conductor::Impl::GetNetwork(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const Network* network = FindNetwork(name);
  if (network == nullptr) return NotFound(reason::kNetworkNotFound, "network", name);
  return network->record;
}

Expected<Page<NetworkRecord>> Conductor::Impl::ListNetworks(const PageRequest& request) {
  ASSIGN_OR_RETURN(const std::size_t size, PageSize(request));
  ASSIGN_OR_RETURN(const Uuid after, UuidAfter("networks", request.page_token));
  absl::MutexLock lock(&mutex_);
  return PageOf(networks_, after, size, "networks", [](const auto& e) { return e.second.record; });
}

Status Conductor::Impl::DeleteNetwork(const std::string& name) {
  const CatalogLock mine(*this);
  Uuid id;
  {
    absl::MutexLock lock(&mutex_);
    Network* network = FindNetwork(name);
    if (network == nullptr) return NotFound(reason::kNetworkNotFound, "network", name);
    if (network->ports != 0) {
      return Error(Code::kFailedPrecondition, reason::kNetworkInUse,
                   "instances have ports on this network");
    }
    network->leaving = true;  // nobody gets a port from now on
    id = network->record.id;
  }
  Change change;
  change.ops.emplace_back(DropNetwork{id});
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { networks_.erase(id); });
  change.on_failure.emplace_back([&] {
    absl::MutexLock lock(&mutex_);
    networks_.at(id).leaving = false;
  });
  return Commit(std::move(change));
}

}  // namespace kilonova::scheduler::core
