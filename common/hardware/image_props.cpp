// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/image_props.h"

#include <cstdlib>
#include <utility>

#include "common/base/python_text.h"
#include "common/hardware/errors.h"
#include "common/hardware/image_prop_types.h"
#include "common/hardware/version_predicate.h"

namespace kilonova::hardware {
namespace {

constexpr int kNumaNodesMax = 128;
constexpr std::string_view kTraitPrefix = "trait:";

using Texts = std::map<std::string, std::string>;

Status BadValue(std::string_view name, std::string_view text, std::string_view what) {
  std::string message = "the image property ";
  message += name;
  message += " is not ";
  message += what;
  message += ": ";
  message += text;
  return ImageRefused("ValueError", "properties." + std::string(name), message);
}

// The texts under name.0, name.1... up to the first that is missing.
std::vector<std::pair<std::string, std::string_view>> Numbered(const Texts& from,
                                                               std::string_view name) {
  std::vector<std::pair<std::string, std::string_view>> found;
  for (int node = 0; node < kNumaNodesMax; ++node) {
    std::string key = std::string(name) + "." + std::to_string(node);
    const auto at = from.find(key);
    if (at == from.end()) break;
    found.emplace_back(std::move(key), at->second);
  }
  return found;
}

Expected<ImageProps::Value> Typed(const Property& property, const std::string& text) {
  switch (property.type) {
    case PropertyType::kText:
      return ImageProps::Value(text);
    case PropertyType::kFlag:
      return ImageProps::Value(PyBool(text));
    case PropertyType::kInteger: {
      const auto number = PyInt(text);
      if (!number) return BadValue(property.name, text, "an integer");
      return ImageProps::Value(*number);
    }
    case PropertyType::kVersionPredicate:
      if (!VersionPredicate::Parse(text)) {
        return BadValue(property.name, text, "a condition on a version");
      }
      return ImageProps::Value(text);
    default: {
      auto word = EnumWord(property.type, text);
      if (!word) return BadValue(property.name, text, "one of its values");
      return ImageProps::Value(*std::move(word));
    }
  }
}

template <class T>
std::optional<T> Get(const std::map<std::string, ImageProps::Value, std::less<>>& values,
                     std::string_view name) {
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) std::abort();  // the caller has the type wrong
  return *value;
}

}  // namespace

class ImagePropsReader {
 public:
  explicit ImagePropsReader(const Texts& texts) : texts_(texts) {}

  Expected<ImageProps> Read() {
    RETURN_IF_ERROR(ReadLegacy());
    RETURN_IF_ERROR(ReadCurrent());
    for (const auto& [name, value] : texts_) {
      if (name.starts_with(kTraitPrefix) && value == "required") {
        props_.traits_required_.push_back(name.substr(kTraitPrefix.size()));
      }
    }
    return std::move(props_);
  }

 private:
  Status Set(std::string_view name, const std::string& text) {
    const Property* property = FindProperty(name);
    if (property == nullptr || property->type == PropertyType::kList) return OkStatus();
    ASSIGN_OR_RETURN(props_.values_[std::string(name)], Typed(*property, text));
    return OkStatus();
  }

  Status ReadLegacy() {
    for (const auto& [legacy, name] : LegacyNames()) {
      const auto found = texts_.find(std::string(legacy));
      if (found != texts_.end()) RETURN_IF_ERROR(Set(name, found->second));
    }
    const auto adapter = texts_.find("vmware_adaptertype");
    if (adapter == texts_.end() || adapter->second.empty()) return OkStatus();
    if (adapter->second == "ide") return Set("hw_disk_bus", "ide");
    RETURN_IF_ERROR(Set("hw_disk_bus", "scsi"));
    return Set("hw_scsi_model", adapter->second);
  }

  Status ReadCurrent() {
    for (const auto& property : Properties()) {
      if (property.type == PropertyType::kNumaCpus) {
        RETURN_IF_ERROR(ReadNumaCpus());
      } else if (property.type == PropertyType::kNumaMem) {
        RETURN_IF_ERROR(ReadNumaMem());
      } else if (const auto found = texts_.find(std::string(property.name));
                 found != texts_.end()) {
        RETURN_IF_ERROR(Set(property.name, found->second));
      }
    }
    return OkStatus();
  }

  Status ReadNumaCpus() {
    for (const auto& [key, text] : Numbered(texts_, "hw_numa_cpus")) {
      auto cpus = ParseCpuSpec(text);
      if (!cpus.ok()) {
        return ImageRefused("Invalid", "properties." + key, Message(cpus.status()));
      }
      if (!props_.numa_cpus_) props_.numa_cpus_.emplace();
      props_.numa_cpus_->push_back(*std::move(cpus));
    }
    return OkStatus();
  }

  Status ReadNumaMem() {
    for (const auto& [key, text] : Numbered(texts_, "hw_numa_mem")) {
      const auto memory = PyInt(text);
      if (!memory) return BadValue(key, text, "an integer");
      if (!props_.numa_mem_) props_.numa_mem_.emplace();
      props_.numa_mem_->push_back(*memory);
    }
    return OkStatus();
  }

  const Texts& texts_;
  ImageProps props_;
};

Expected<ImageProps> ImageProps::From(const std::map<std::string, std::string>& properties) {
  return ImagePropsReader(properties).Read();
}

std::optional<std::string> CanonicalWord(std::string_view property, std::string_view text) {
  const Property* known = FindProperty(property);
  return known == nullptr ? std::nullopt : EnumWord(known->type, text);
}

std::optional<std::string_view> ImageProps::Text(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  const auto* text = std::get_if<std::string>(&found->second);
  if (text == nullptr) std::abort();  // the caller has the type wrong
  return *text;
}

std::optional<std::int64_t> ImageProps::Integer(std::string_view name) const {
  return Get<std::int64_t>(values_, name);
}

std::optional<bool> ImageProps::Flag(std::string_view name) const {
  return Get<bool>(values_, name);
}

}  // namespace kilonova::hardware
