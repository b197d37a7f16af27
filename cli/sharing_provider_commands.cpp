// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/resource_provider.grpc.pb.h>

#include <charconv>
#include <map>

#include "cli/call.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace kilonova::cli {
namespace {

using Service = v1::ResourceProviderService;

std::string Inventories(const v1::SharingProvider& provider) {
  std::string text;
  for (const auto& i : provider.inventories()) {
    text += (text.empty() ? "" : ", ") + i.resource_class() + " " + std::to_string(i.used()) +
            " of (" + std::to_string(i.total()) + " - " + std::to_string(i.reserved()) + ") x " +
            std::to_string(i.allocation_ratio());
  }
  return text;
}

template <class Texts>
std::string Listed(const Texts& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string ProviderTable(const std::vector<v1::SharingProvider>& providers) {
  Table table({"NAME", "AGGREGATES", "USED"});
  for (const auto& p : providers) table.Add({p.name(), Listed(p.aggregates()), Inventories(p)});
  return table.Text();
}

int Print(const Client& client, const v1::SharingProvider& p) {
  if (client.format() != Format::kTable) {
    std::cout << Render(p, client.format());
    return kExitOk;
  }
  std::cout << KeyValues({{"name", p.name()},
                          {"aggregates", Listed(p.aggregates())},
                          {"traits", Listed(p.traits())},
                          {"used", Inventories(p)},
                          {"created", TimeText(p.created_at_us())}});
  return kExitOk;
}

// CLASS=NUMBER.
template <class Number>
bool Parse(const std::string& text, std::string* resource_class, Number* number) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return false;
  *resource_class = text.substr(0, equals);
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + equals + 1, end, *number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace

int CreateSharingProvider(const Client& client, const SharingProviderOptions& options) {
  v1::CreateSharingProviderRequest request;
  v1::SharingProvider* provider = request.mutable_provider();
  provider->set_name(options.name);
  std::map<std::string, v1::Inventory*> by_class;
  std::string name;
  std::int64_t number = 0;
  for (const std::string& text : options.inventories) {
    if (!Parse(text, &name, &number)) return FailUsage("not CLASS=TOTAL: " + text);
    v1::Inventory*& inventory = by_class[name];
    if (inventory != nullptr) return FailUsage("given twice: " + name);
    inventory = provider->add_inventories();
    inventory->set_resource_class(name);
    inventory->set_total(number);
  }
  for (const std::string& text : options.reserved) {
    if (!Parse(text, &name, &number) || !by_class.contains(name)) {
      return FailUsage("not CLASS=RESERVED of an inventory: " + text);
    }
    by_class[name]->set_reserved(number);
  }
  double ratio = 0;
  for (const std::string& text : options.ratios) {
    if (!Parse(text, &name, &ratio) || !by_class.contains(name)) {
      return FailUsage("not CLASS=RATIO of an inventory: " + text);
    }
    by_class[name]->set_allocation_ratio(ratio);
  }
  for (const std::string& trait : options.traits) provider->add_traits(trait);
  for (const std::string& aggregate : options.aggregates) provider->add_aggregates(aggregate);
  return CallAndPrint(client, &Service::Stub::CreateSharingProvider, request,
                      &v1::CreateSharingProviderResponse::provider, Print);
}

int ListSharingProviders(const Client& client) {
  return ListAndPrint(client, &Service::Stub::ListSharingProviders,
                      v1::ListSharingProvidersRequest(),
                      &v1::ListSharingProvidersResponse::providers, ProviderTable);
}

int ShowSharingProvider(const Client& client, const SharingProviderOptions& options) {
  v1::GetSharingProviderRequest request;
  request.set_name(options.name);
  return CallAndPrint(client, &Service::Stub::GetSharingProvider, request,
                      &v1::GetSharingProviderResponse::provider, Print);
}

int DeleteSharingProvider(const Client& client, const SharingProviderOptions& options) {
  v1::DeleteSharingProviderRequest request;
  request.set_name(options.name);
  return CallOnly(client, &Service::Stub::DeleteSharingProvider, request);
}

}  // namespace kilonova::cli
