// SPDX-License-Identifier: Apache-2.0
// Records to the JSON in the `doc` columns and back; instances and reports of hosts are written in
// another form (instance_pack.h, report_pack.h) since version 2, and read in both. Readers take
// documents of earlier versions: a field that is missing has its default. The only code that knows
// their keys.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "scheduler/adapters/store/instance_pack.h"
#include "scheduler/adapters/store/report_pack.h"
#include "scheduler/core/records.h"

namespace kilonova::scheduler::adapters {

std::string FlavorDoc(const model::Flavor& flavor);
std::string ImageDoc(const model::ImageSource& image);
std::string NetworkDoc(const core::NetworkRecord& network);
std::string ResourcesDoc(const model::Resources& resources);
std::string UuidsDoc(const std::vector<Uuid>& uuids);
std::string MetadataDoc(const std::map<std::string, std::string>& metadata);
std::string GroupDoc(const core::ServerGroupRecord& group);  // all but id and created_at

// Reads documents, giving instances of one flavor or image one object between them.
class DocReader {
 public:
  // DATA_LOSS with a detail "operator" for what cannot be read. Documents of versions 1 and 2,
  // flavor and image within.
  Expected<core::InstanceRecord> Instance(std::string_view doc);
  // Of version 3: whose flavor and image are to be added.
  Expected<core::InstanceRecord> InstanceWithoutParts(std::string_view doc);
  Expected<model::Flavor> Flavor(std::string_view doc);
  Expected<model::ImageSource> Image(std::string_view doc);
  Expected<core::NetworkRecord> Network(std::string_view doc);
  Expected<model::HostReport> Report(std::string_view doc);
  // The same without what `kind` has.
  Expected<model::HostReport> Report(std::string_view doc, core::HostKindPtr& kind);
  Expected<model::Resources> Resources(std::string_view doc);
  Expected<std::vector<Uuid>> Uuids(std::string_view doc);
  Expected<std::map<std::string, std::string>> Metadata(std::string_view doc);
  Expected<core::ServerGroupRecord> Group(std::string_view doc);
  Expected<core::SharingProviderRecord> SharingProvider(std::string_view doc);

 private:
  InstanceUnpacker packed_;
  ReportUnpacker reports_;
  std::map<std::string, model::Resources, std::less<>>
      resources_;  // of claims: a few different ones
  std::map<std::string, std::shared_ptr<const model::Flavor>, std::less<>> flavors_;
  std::map<std::string, std::shared_ptr<const model::ImageSource>, std::less<>> images_;
  std::map<std::string, std::shared_ptr<const core::Explanation>, std::less<>> explanations_;
};

}  // namespace kilonova::scheduler::adapters
