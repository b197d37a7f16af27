// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/placement.grpc.pb.h>

#include <cstdio>

#include "cli/call.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/instance_text.h"
#include "cli/table.h"

namespace kilonova::cli {
namespace {

using Service = v1::PlacementService;

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string ExplainText(const v1::ExplainResponse& response) {
  std::string text = Printable(response.summary()) + "\n\n";
  Table filters({"FILTER", "REFUSED", "LEFT"});
  for (const auto& filter : response.filters()) {
    filters.Add({filter.filter(), std::to_string(filter.refused()), std::to_string(filter.left())});
  }
  text += filters.Text() + "\n";
  Table hosts({"HOST", "VERDICT", "HAVE", "NEED", "WEIGHT", "WEIGHERS"});
  for (const auto& host : response.explanations()) {
    std::string weighers;
    for (const auto& weight : host.weights()) {
      weighers += (weighers.empty() ? "" : " ") + weight.weigher() + "=" +
                  Short(weight.normalized()) + "x" + Short(weight.multiplier());
    }
    const v1::FilterVerdict* refusal = nullptr;
    for (const auto& verdict : host.verdicts()) {
      if (!verdict.passed()) refusal = &verdict;
    }
    hosts.Add({host.host(), refusal == nullptr ? "passed" : "refused by " + refusal->filter(),
               refusal == nullptr ? "" : refusal->have(), refusal == nullptr ? "" : refusal->need(),
               host.passed() ? Short(host.total_weight()) : "", weighers});
  }
  text += hosts.Text();
  if (response.remedies().empty()) return text;
  text += "\nIt would fit with one of:\n";
  for (const auto& remedy : response.remedies()) {
    text += "  " + Printable(remedy.change());
    if (remedy.hosts() > 1) text += " (" + std::to_string(remedy.hosts()) + " hosts)";
    text += "\n";
  }
  return text;
}

std::string FitsText(const v1::WhatFitsResponse& response, bool hosts) {
  Table table({"FLAVOR", "COUNT", "HOSTS", "ZONES"});
  std::string detail;
  for (const auto& flavor : response.flavors()) {
    std::string zones;
    for (const auto& zone : flavor.zones()) {
      zones += (zones.empty() ? "" : ", ") + zone.zone() + ": " + std::to_string(zone.count());
    }
    table.Add(
        {flavor.name(), std::to_string(flavor.count()), std::to_string(flavor.hosts()), zones});
    if (!hosts || flavor.per_host().empty()) continue;
    Table per_host({"HOST", "COUNT"});
    for (const auto& host : flavor.per_host()) {
      per_host.Add({host.host(), std::to_string(host.count())});
    }
    detail += "\n" + Printable(flavor.name()) + "\n" + per_host.Text();
  }
  return table.Text() + detail;
}

}  // namespace

int Explain(const Client& client, const ExplainOptions& options) {
  v1::ExplainRequest request;
  request.set_instance(options.instance);
  request.set_most_hosts(options.most_hosts);
  if (options.instance.empty()) {
    if (const Status status = FillTemplate(options.what, request.mutable_template_());
        !status.ok()) {
      return FailUsage(Message(status));
    }
  }
  const auto response = Call(client, &Service::Stub::Explain, request);
  if (!response.ok()) return Fail(response.status());
  std::cout << (client.format() == Format::kTable ? ExplainText(*response)
                                                  : Render(*response, client.format()));
  return kExitOk;
}

int WhatFits(const Client& client, const WhatFitsOptions& options) {
  v1::WhatFitsRequest request;
  request.set_per_host(options.hosts);
  if (const Status status = FillTemplate(options.what, request.mutable_template_()); !status.ok()) {
    return FailUsage(Message(status));
  }
  const auto response = Call(client, &Service::Stub::WhatFits, request);
  if (!response.ok()) return Fail(response.status());
  std::cout << (client.format() == Format::kTable ? FitsText(*response, options.hosts)
                                                  : Render(*response, client.format()));
  return kExitOk;
}

int DryRun(const Client& client, const ExplainOptions& options) {
  v1::DryRunRequest request;
  request.set_count(options.count);
  if (const Status status = FillTemplate(options.what, request.mutable_template_()); !status.ok()) {
    return FailUsage(Message(status));
  }
  const auto response = Call(client, &Service::Stub::DryRun, request);
  if (!response.ok()) return Fail(response.status());
  if (client.format() != Format::kTable) {
    std::cout << Render(*response, client.format());
  } else {
    Table table({"INSTANCE", "HOST", "ALTERNATES"});
    for (int i = 0; i < response->placements_size(); ++i) {
      std::string alternates;
      for (const auto& host : response->placements(i).alternates()) {
        alternates += (alternates.empty() ? "" : " ") + host;
      }
      const std::string& host = response->placements(i).host();
      table.Add({std::to_string(i + 1), host.empty() ? "(none)" : host, alternates});
    }
    std::cout << table.Text() << Printable(response->summary()) << "\n";
  }
  for (const auto& placement : response->placements()) {
    if (placement.host().empty()) return kExitFailed;
  }
  return kExitOk;
}

}  // namespace kilonova::cli
