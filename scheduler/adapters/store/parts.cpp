// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/parts.h"

#include <stdexcept>
#include <utility>

#include "scheduler/adapters/store/instance_pack.h"
#include "scheduler/adapters/store/rows.h"

namespace kilonova::scheduler::adapters {

std::string Parts::Doc(std::int64_t id, char kind) {
  Reading find(statements_.Use("SELECT doc FROM parts WHERE id = ?"));
  find->bind(1, id);
  if (!find->executeStep()) throw std::invalid_argument("a part of an instance is missing");
  std::string doc = find->getColumn(0).getString();
  if (doc.empty() || doc.front() != kind) {
    throw std::invalid_argument("a part of an instance is of another kind");
  }
  doc.erase(0, 1);
  return doc;
}

std::shared_ptr<const model::Flavor> Parts::Flavor(std::int64_t id) {
  auto& known = flavors_[id];
  if (!known) known = std::make_shared<const model::Flavor>(UnpackFlavor(Doc(id, kFlavorPart)));
  return known;
}

std::shared_ptr<const model::ImageSource> Parts::Image(std::int64_t id) {
  auto& known = images_[id];
  if (!known) known = std::make_shared<const model::ImageSource>(UnpackImage(Doc(id, kImagePart)));
  return known;
}

const model::Resources& Parts::Resources(std::int64_t id) {
  if (const auto known = resources_.find(id); known != resources_.end()) return known->second;
  auto read = DocReader().Resources(Doc(id, kResourcesPart));
  if (!read.ok()) throw std::invalid_argument("amounts that cannot be read");
  return resources_.emplace(id, *std::move(read)).first->second;
}

}  // namespace kilonova::scheduler::adapters
