// SPDX-License-Identifier: Apache-2.0
// Records to the JSON in the `doc` columns and back. Readers take documents of earlier versions:
// a field that is missing has its default. The only code that knows their keys.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "scheduler/core/records.h"

namespace kilonova::scheduler::adapters {

std::string InstanceDoc(const core::InstanceRecord& record);
std::string FlavorDoc(const model::Flavor& flavor);
std::string ImageDoc(const model::ImageSource& image);
std::string NetworkDoc(const core::NetworkRecord& network);
std::string ReportDoc(const model::HostReport& report);
std::string ResourcesDoc(const model::Resources& resources);
std::string UuidsDoc(const std::vector<Uuid>& uuids);

// Reads documents, giving instances of one flavor or image one object between them.
class DocReader {
 public:
  // DATA_LOSS with a detail "operator" for what cannot be read.
  Expected<core::InstanceRecord> Instance(std::string_view doc);
  Expected<model::Flavor> Flavor(std::string_view doc);
  Expected<model::ImageSource> Image(std::string_view doc);
  Expected<core::NetworkRecord> Network(std::string_view doc);
  Expected<model::HostReport> Report(std::string_view doc);
  Expected<model::Resources> Resources(std::string_view doc);
  Expected<std::vector<Uuid>> Uuids(std::string_view doc);

 private:
  std::map<std::string, std::shared_ptr<const model::Flavor>, std::less<>> flavors_;
  std::map<std::string, std::shared_ptr<const model::ImageSource>, std::less<>> images_;
  std::map<std::string, std::shared_ptr<const core::Explanation>, std::less<>> explanations_;
};

}  // namespace kilonova::scheduler::adapters
