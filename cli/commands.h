// SPDX-License-Identifier: Apache-2.0
// One function per command; each prints what it got and returns the exit code.
#pragma once

#include <string>

#include "cli/options.h"

namespace kilonova::v1 {
class InstanceTemplate;
}

namespace kilonova::cli {

class Client;

int CreateInstances(const Client& client, const CreateOptions& options);
int ListInstances(const Client& client, const ListInstancesOptions& options);
int ShowInstance(const Client& client, const InstanceOptions& options);
int DeleteInstance(const Client& client, const InstanceOptions& options);
int StartInstance(const Client& client, const InstanceOptions& options);
int StopInstance(const Client& client, const InstanceOptions& options);
int RebootInstance(const Client& client, const InstanceOptions& options);
int ConsoleOutput(const Client& client, const InstanceOptions& options);
int WatchInstances(const Client& client, const WatchOptions& options);

int CreateFlavor(const Client& client, const FlavorOptions& options);
int LoadFlavors(const Client& client, const FlavorOptions& options);
int ListFlavors(const Client& client);
int ShowFlavor(const Client& client, const FlavorOptions& options);
int UpdateFlavor(const Client& client, const FlavorOptions& options);
int DeleteFlavor(const Client& client, const FlavorOptions& options);
// Need no scheduler.
int CheckFlavors(const FlavorOptions& options);
int ListExtraSpecs(const std::string& pattern, Format format);

int RegisterImage(const Client& client, const ImageOptions& options);
int ListImages(const Client& client);
int ShowImage(const Client& client, const ImageOptions& options);
int DeleteImage(const Client& client, const ImageOptions& options);

int CreateNetwork(const Client& client, const NetworkOptions& options);
int ListNetworks(const Client& client);
int ShowNetwork(const Client& client, const NetworkOptions& options);
int DeleteNetwork(const Client& client, const NetworkOptions& options);

int ListHosts(const Client& client);
int ShowHost(const Client& client, const std::string& host);
int EnableHost(const Client& client, const std::string& host);
int DisableHost(const Client& client, const std::string& host, const std::string& why);

int CreateAggregate(const Client& client, const AggregateOptions& options);
int ListAggregates(const Client& client);
int ShowAggregate(const Client& client, const AggregateOptions& options);
int UpdateAggregate(const Client& client, const AggregateOptions& options);
int DeleteAggregate(const Client& client, const AggregateOptions& options);
int AddAggregateHost(const Client& client, const AggregateOptions& options);
int RemoveAggregateHost(const Client& client, const AggregateOptions& options);
int SetAggregateMetadata(const Client& client, const AggregateOptions& options);
int ListZones(const Client& client, const ZoneOptions& options);

int CreateServerGroup(const Client& client, const ServerGroupOptions& options);
int ListServerGroups(const Client& client, const ServerGroupOptions& options);
int ShowServerGroup(const Client& client, const ServerGroupOptions& options);
int DeleteServerGroup(const Client& client, const ServerGroupOptions& options);

int CreateSharingProvider(const Client& client, const SharingProviderOptions& options);
int ListSharingProviders(const Client& client);
int ShowSharingProvider(const Client& client, const SharingProviderOptions& options);
int DeleteSharingProvider(const Client& client, const SharingProviderOptions& options);

int WhatFits(const Client& client, const WhatFitsOptions& options);
int Explain(const Client& client, const ExplainOptions& options);
int DryRun(const Client& client, const ExplainOptions& options);

}  // namespace kilonova::cli
